/* Matrices in double, float and integers: products, elimination, a power iteration; sums of series. */
#include "runtime/program.h"

#define N 16
static double a[N][N], b[N][N], c[N][N];
static float fa[N][N], fb[N][N], fc[N][N];
static i32 ia[N][N], ib[N][N], ic[N][N];

static double unit(void) { return (double)(random64() >> 11) * 0x1p-53; }

#define PRODUCT(name, type, x, y, z)                                  \
  static OPAQUE void name(void) {                                     \
    for (int i = 0; i < N; i++)                                       \
      for (int j = 0; j < N; j++) z[i][j] = 0;                        \
    for (int i = 0; i < N; i++)                                       \
      for (int k = 0; k < N; k++)                                     \
        for (int j = 0; j < N; j++) z[i][j] += x[i][k] * y[k][j];     \
  }
PRODUCT(product, double, a, b, c)
PRODUCT(product_float, float, fa, fb, fc)
PRODUCT(product_int, i32, ia, ib, ic)

/* Determinant by elimination with pivots. */
static OPAQUE double determinant(double m[N][N]) {
  double result = 1;
  for (int column = 0; column < N; column++) {
    int best = column;
    for (int row = column + 1; row < N; row++)
      if (__builtin_fabs(m[row][column]) > __builtin_fabs(m[best][column])) best = row;
    if (m[best][column] == 0) return 0;
    if (best != column) {
      result = -result;
      for (int j = 0; j < N; j++) {
        double t = m[best][j];
        m[best][j] = m[column][j];
        m[column][j] = t;
      }
    }
    result *= m[column][column];
    for (int row = column + 1; row < N; row++) {
      double factor = m[row][column] / m[column][column];
      for (int j = column; j < N; j++) m[row][j] -= factor * m[column][j];
    }
  }
  return result;
}

static OPAQUE double series(int terms) {
  double pi = 0, e = 1, term = 1, log2 = 0;
  for (int i = 0; i < terms; i++) {
    pi += (i & 1 ? -4.0 : 4.0) / (2 * i + 1);
    if (i > 0) e += term /= i, log2 += (i & 1 ? 1.0 : -1.0) / i;
  }
  print("%f %f %f\n", pi, e, log2);
  return pi * e * log2;
}

static OPAQUE double norm(const double *x) {
  double sum = 0;
  for (int i = 0; i < N; i++) sum += x[i] * x[i];
  return __builtin_sqrt(sum);
}

void matrix(void) {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      a[i][j] = unit() - 0.5, b[i][j] = unit() * 3;
      fa[i][j] = (float)a[i][j], fb[i][j] = (float)b[i][j];
      ia[i][j] = (i32)random64(), ib[i][j] = (i32)random64();
    }
  product();
  product_float();
  product_int();
  u64 sum = 0;
  double trace = 0;
  float trace_float = 0;
  for (int i = 0; i < N; i++) {
    trace += c[i][i], trace_float += fc[i][i];
    for (int j = 0; j < N; j++) {
      u64 bits;
      u32 narrow;
      memcpy(&bits, &c[i][j], 8);
      memcpy(&narrow, &fc[i][j], 4);
      sum = mix(mix(mix(sum, bits), narrow), (u64)ic[i][j]);
    }
  }
  print("products %lx, traces %f %f\n", sum, trace, (double)trace_float);
  double x[N];
  for (int i = 0; i < N; i++) x[i] = 1;
  for (int step = 0; step < 20; step++) {
    double y[N];
    for (int i = 0; i < N; i++) {
      y[i] = 0;
      for (int j = 0; j < N; j++) y[i] += b[i][j] * x[j];
    }
    double length = norm(y);
    for (int i = 0; i < N; i++) x[i] = y[i] / length;
  }
  print("eigenvector %f %f, %b\n", x[0], x[N - 1], x[1]);
  double d = determinant(a);
  print("determinant %f %b\n", d * 1e3, d);
  print("series %b\n", series(400));
}
