// What the bench compiles with clang: templates and inlining, without any header.
using size_t = decltype(sizeof 0);

template <class T, size_t N> struct Vector {
  T items[N];
  template <class F> constexpr Vector map(F f) const {
    Vector result{};
    for (size_t i = 0; i < N; i++) result.items[i] = f(items[i]);
    return result;
  }
  constexpr T dot(const Vector &other) const {
    T sum{};
    for (size_t i = 0; i < N; i++) sum += items[i] * other.items[i];
    return sum;
  }
};

template <class T, size_t R, size_t C> struct Matrix {
  Vector<T, C> rows[R];
  template <size_t K> constexpr Matrix<T, R, K> times(const Matrix<T, C, K> &other) const {
    Matrix<T, R, K> result{};
    for (size_t i = 0; i < R; i++)
      for (size_t k = 0; k < K; k++)
        for (size_t j = 0; j < C; j++) result.rows[i].items[k] += rows[i].items[j] * other.rows[j].items[k];
    return result;
  }
};

template <size_t N> struct Fib { static constexpr unsigned long long value = Fib<N - 1>::value + Fib<N - 2>::value; };
template <> struct Fib<0> { static constexpr unsigned long long value = 0; };
template <> struct Fib<1> { static constexpr unsigned long long value = 1; };

template <class T, size_t N> T work(T seed) {
  Matrix<T, N, N + 1> left{};
  Matrix<T, N + 1, N> right{};
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j <= N; j++) left.rows[i].items[j] = right.rows[j].items[i] = seed + T(i * 31 + j);
  auto product = left.times(right);
  T sum{};
  for (auto &row : product.rows) sum += row.map([=](T x) { return x * seed + T(Fib<N + 20>::value); }).dot(row);
  return sum;
}

template <size_t N> double all(double seed) {
  double sum = work<double, N>(seed) + work<float, N>(float(seed)) + double(work<int, N>(int(seed)));
  if constexpr (N > 1) sum += all<N - 1>(seed + N);
  return sum;
}

double entry(double seed) { return all<10>(seed); }
