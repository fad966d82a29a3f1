// Trait objects and generics: an expression tree that is evaluated, simplified and printed; reference counting.

use std::cell::Cell;
use std::env;
use std::fmt;
use std::rc::Rc;

trait Expression: fmt::Display {
    fn value(&self, x: f64) -> f64;
    fn size(&self) -> usize;
}

struct Number(f64);
struct Variable {
    reads: Rc<Cell<u32>>,
}
struct Binary<F: Fn(f64, f64) -> f64> {
    sign: char,
    apply: F,
    left: Box<dyn Expression>,
    right: Rc<dyn Expression>,
}

impl Expression for Number {
    fn value(&self, _: f64) -> f64 {
        self.0
    }
    fn size(&self) -> usize {
        1
    }
}

impl Expression for Variable {
    fn value(&self, x: f64) -> f64 {
        self.reads.set(self.reads.get() + 1);
        x
    }
    fn size(&self) -> usize {
        1
    }
}

impl<F: Fn(f64, f64) -> f64> Expression for Binary<F> {
    fn value(&self, x: f64) -> f64 {
        (self.apply)(self.left.value(x), self.right.value(x))
    }
    fn size(&self) -> usize {
        1 + self.left.size() + self.right.size()
    }
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "x")
    }
}

impl<F: Fn(f64, f64) -> f64> fmt::Display for Binary<F> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "({} {} {})", self.left, self.sign, self.right)
    }
}

fn build(depth: u32, reads: &Rc<Cell<u32>>) -> Box<dyn Expression> {
    if depth == 0 {
        return Box::new(Variable { reads: Rc::clone(reads) });
    }
    let left = build(depth - 1, reads);
    let shared: Rc<dyn Expression> = match depth % 3 {
        0 => Rc::new(Number(f64::from(depth) / 4.0)),
        _ => Rc::from(build(depth - 1, reads)),
    };
    match depth % 2 {
        0 => Box::new(Binary { sign: '+', apply: |a, b| a + b, left, right: shared }),
        _ => Box::new(Binary { sign: '*', apply: move |a, b| (a * b).rem_euclid(10.0), left, right: shared }),
    }
}

fn main() {
    let points = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(30);
    let reads = Rc::new(Cell::new(0));
    let expression = build(6, &reads);
    let total: f64 = (0..points).map(|i| expression.value(f64::from(i) * 0.25)).sum();
    println!("size {}, total {:.6}, {} reads", expression.size(), total, reads.get());
    println!("{:.60}", expression.to_string());
    drop(expression);
    println!("{} owners left", Rc::strong_count(&reads));
}
