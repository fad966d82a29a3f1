// Virtual calls: abstract and multiple bases, overriding, destruction through a base, double dispatch.
#include <cmath>
#include <cstdio>
#include <memory>
#include <vector>

#include "app.h"

namespace {

class Circle;
class Box;
class Group;

class Visitor {
 public:
  virtual ~Visitor() = default;
  virtual void visit(const Circle &) = 0;
  virtual void visit(const Box &) = 0;
  virtual void visit(const Group &) = 0;
};

class Shape {
 public:
  virtual ~Shape() { destroyed++; }
  virtual double area() const = 0;
  virtual void accept(Visitor &) const = 0;
  static inline int destroyed = 0;
};

class Named {
 public:
  virtual ~Named() = default;
  virtual char letter() const { return '?'; }
};

class Circle : public Shape, public Named {
 public:
  explicit Circle(double radius) : radius(radius) {}
  double area() const override { return M_PI * radius * radius; }
  char letter() const override { return 'o'; }
  void accept(Visitor &visitor) const override { visitor.visit(*this); }
  const double radius;
};

class Box : public Shape, public Named {
 public:
  Box(double width, double height) : width(width), height(height) {}
  double area() const override { return width * height; }
  char letter() const override { return width == height ? 'q' : Named::letter(); }
  void accept(Visitor &visitor) const override { visitor.visit(*this); }
  const double width, height;
};

class Group : public Shape {
 public:
  double area() const override {
    double sum = 0;
    for (const auto &part : parts) sum += part->area();
    return sum;
  }
  void accept(Visitor &visitor) const override { visitor.visit(*this); }
  std::vector<std::unique_ptr<Shape>> parts;
};

class Census : public Visitor {
 public:
  void visit(const Circle &circle) override { count(circle, circle.radius); }
  void visit(const Box &box) override { count(box, box.width + box.height); }
  void visit(const Group &group) override {
    deepest = std::max(deepest, ++depth);
    for (const auto &part : group.parts) part->accept(*this);
    depth--;
  }
  int circles = 0, squares = 0, others = 0, depth = 0, deepest = 0;
  double extent = 0;

 private:
  void count(const Named &named, double size) {
    (named.letter() == 'o' ? circles : named.letter() == 'q' ? squares : others)++;
    extent += size;
  }
};

std::unique_ptr<Shape> make(int depth, Numbers &numbers) {
  uint32_t kind = numbers() % 8;
  if (depth == 0 || kind < 2) {
    double size = numbers() % 16 + 1;
    if (kind % 2) return std::make_unique<Circle>(size);
    return std::make_unique<Box>(size, kind % 4 ? size : size + 1);
  }
  auto group = std::make_unique<Group>();
  for (int i = 0; i < 4; i++) group->parts.push_back(make(depth - 1, numbers));
  return group;
}

}  // namespace

int main(int argc, char **argv) {
  int depth = work_size(argc, argv, 5);
  Numbers numbers;
  {
    std::unique_ptr<Shape> root = make(depth, numbers);
    Census census;
    root->accept(census);
    std::printf("%d circles, %d squares, %d others", census.circles, census.squares, census.others);
    std::printf(", %d deep\n", census.deepest);
    std::printf("area %.6f, extent %.1f\n", root->area(), census.extent);
  }
  std::printf("%d destroyed\n", Shape::destroyed);
  return 0;
}
