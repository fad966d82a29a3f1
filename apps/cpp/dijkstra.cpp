// Shortest paths with a priority queue over a map of vectors; checked against Bellman and Ford's way.
#include <cstdio>
#include <limits>
#include <map>
#include <queue>
#include <string>
#include <vector>

#include "app.h"

namespace {

struct Edge {
  int to;
  int length;
};

using Graph = std::map<int, std::vector<Edge>>;

constexpr int kUnreached = std::numeric_limits<int>::max();

Graph random_graph(int nodes, Numbers &numbers) {
  Graph graph;
  for (int i = 0; i < nodes * 3; i++) {
    int from = static_cast<int>(numbers() % nodes), to = static_cast<int>(numbers() % nodes);
    graph[from].push_back({to, static_cast<int>(numbers() % 50) + 1});
  }
  return graph;
}

std::vector<int> dijkstra(const Graph &graph, int nodes, int start, std::vector<int> &before) {
  using Candidate = std::pair<int, int>;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> open;
  std::vector<int> distance(nodes, kUnreached);
  before.assign(nodes, -1);
  distance[start] = 0;
  open.emplace(0, start);
  while (!open.empty()) {
    auto [length, node] = open.top();
    open.pop();
    auto edges = graph.find(node);
    if (length > distance[node] || edges == graph.end()) continue;
    for (const Edge &edge : edges->second) {
      if (length + edge.length >= distance[edge.to]) continue;
      distance[edge.to] = length + edge.length;
      before[edge.to] = node;
      open.emplace(distance[edge.to], edge.to);
    }
  }
  return distance;
}

std::vector<int> bellman_ford(const Graph &graph, int nodes, int start) {
  std::vector<int> distance(nodes, kUnreached);
  distance[start] = 0;
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto &[from, edges] : graph)
      for (const Edge &edge : edges)
        if (distance[from] != kUnreached && distance[from] + edge.length < distance[edge.to]) {
          distance[edge.to] = distance[from] + edge.length;
          changed = true;
        }
  }
  return distance;
}

std::string path_to(int node, const std::vector<int> &before) {
  std::string path = std::to_string(node);
  for (node = before[node]; node >= 0; node = before[node]) path = std::to_string(node) + "-" + path;
  return path;
}

}  // namespace

int main(int argc, char **argv) {
  int nodes = work_size(argc, argv, 60);
  Numbers numbers;
  Graph graph = random_graph(nodes, numbers);
  std::vector<int> before;
  std::vector<int> distance = dijkstra(graph, nodes, 0, before);
  int farthest = 0, unreached = 0;
  for (int i = 0; i < nodes; i++) {
    if (distance[i] == kUnreached) unreached++;
    else if (distance[i] > distance[farthest]) farthest = i;
  }
  std::string path = path_to(farthest, before);
  std::printf("farthest %s, length %d, %d unreached\n", path.c_str(), distance[farthest], unreached);
  std::printf("%s\n", distance == bellman_ford(graph, nodes, 0) ? "both ways agree" : "the two ways differ");
  return 0;
}
