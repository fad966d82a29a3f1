// Templates: matrices of any size and field, a field of remainders, variadic sums, concepts.
#include <array>
#include <concepts>
#include <cstdio>

#include "app.h"

namespace {

template <typename T>
concept Field = requires(T a, T b) {
  { a + b } -> std::convertible_to<T>;
  { a * b } -> std::convertible_to<T>;
};

template <uint64_t Modulus>
struct Remainder {
  uint64_t value;
  friend Remainder operator+(Remainder a, Remainder b) { return {(a.value + b.value) % Modulus}; }
  friend Remainder operator*(Remainder a, Remainder b) { return {a.value * b.value % Modulus}; }
};

template <Field T, int Rows, int Columns = Rows>
struct Matrix {
  std::array<std::array<T, Columns>, Rows> cells{};

  template <int Other>
  Matrix<T, Rows, Other> operator*(const Matrix<T, Columns, Other> &right) const {
    Matrix<T, Rows, Other> product;
    for (int i = 0; i < Rows; i++)
      for (int j = 0; j < Other; j++)
        for (int k = 0; k < Columns; k++)
          product.cells[i][j] = product.cells[i][j] + cells[i][k] * right.cells[k][j];
    return product;
  }
};

template <typename M>
M power(const M &base, int exponent) {
  if (exponent == 1) return base;
  M half = power(base, exponent / 2);
  return exponent % 2 ? half * half * base : half * half;
}

template <typename... Values>
double mean(Values... values) {
  return (static_cast<double>(values) + ...) / sizeof...(values);
}

template <int N>
constexpr int triangle = N + triangle<N - 1>;
template <>
constexpr int triangle<0> = 0;

}  // namespace

int main(int argc, char **argv) {
  int size = work_size(argc, argv, 40);
  using Prime = Remainder<1000000007>;
  for (int n = 1; n <= size; n += 3) {
    Matrix<Prime, 2> step{{{{Prime{1}, Prime{1}}, {Prime{1}, Prime{0}}}}};
    Matrix<double, 3> turn{{{{0.6, -0.8, 0}, {0.8, 0.6, 0}, {0, 0, 1}}}};
    Matrix<double, 3, 1> point{{{{1.0}, {0.5}, {2.0}}}};
    Matrix<double, 3, 1> turned = power(turn, n) * point;
    auto fib = static_cast<unsigned long long>(power(step, n * n).cells[0][1].value);
    std::printf("%2d: fib %llu, turned %.9f %.9f\n", n, fib, turned.cells[0][0], turned.cells[1][0]);
  }
  std::printf("%.3f %d\n", mean(1, 2.5f, 3L, 'A'), triangle<40>);
  return 0;
}
