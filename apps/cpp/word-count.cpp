// Words of standard input: string streams, maps and sets of strings, sorting by two keys, formatted output.
#include <algorithm>
#include <cctype>
#include <iomanip>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

struct Entry {
  int count = 0;
  std::set<int> lines;
};

std::string normalised(const std::string &word) {
  std::string letters;
  for (unsigned char c : word)
    if (std::isalpha(c)) letters += static_cast<char>(std::tolower(c));
  return letters;
}

}  // namespace

int main() {
  std::unordered_map<std::string, Entry> index;
  std::string line, word;
  int line_number = 0;
  while (std::getline(std::cin, line)) {
    line_number++;
    for (std::istringstream words(line); words >> word;) {
      std::string key = normalised(word);
      if (key.empty()) continue;
      Entry &entry = index[key];
      entry.count++;
      entry.lines.insert(line_number);
    }
  }
  std::vector<std::pair<std::string, Entry>> sorted(index.begin(), index.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto &a, const auto &b) {
    return a.second.count != b.second.count ? a.second.count > b.second.count : a.first < b.first;
  });
  for (const auto &[key, entry] : sorted) {
    std::cout << std::left << std::setw(12) << std::setfill('.') << key;
    std::cout << std::right << std::setw(4) << entry.count << " ";
    for (int number : entry.lines) std::cout << ' ' << number;
    std::cout << '\n';
  }
  std::cout << line_number << " lines, " << index.size() << " words, mean " << std::fixed << std::setprecision(3)
            << static_cast<double>(line_number) / static_cast<double>(index.size()) << std::endl;
  return 0;
}
