// Classes: an abstract base, overriding, interfaces, accessors, operators, instances in arrays and maps.

interface Priced {
  price(): i32;
}

abstract class Vehicle implements Priced {
  private static built: i32 = 0;
  readonly id: i32;

  constructor(readonly wheels: i32) {
    this.id = ++Vehicle.built;
  }

  abstract toll(distance: f64): f64;

  price(): i32 {
    return this.wheels * 100;
  }

  get label(): string {
    return `${this.id}/${this.wheels}`;
  }
}

class Car extends Vehicle {
  constructor() {
    super(4);
  }

  toll(distance: f64): f64 {
    return 1.5 + distance * 0.125;
  }
}

class Truck extends Vehicle {
  constructor(
    axles: i32,
    readonly tons: f64,
  ) {
    super(axles * 2);
  }

  toll(distance: f64): f64 {
    return distance * 0.25 * Math.sqrt(this.tons);
  }

  price(): i32 {
    return super.price() + <i32>(this.tons * 10);
  }
}

class Point {
  constructor(
    public x: i64,
    public y: i64,
  ) {}

  @operator("+")
  plus(other: Point): Point {
    return new Point(this.x + other.x, this.y + other.y);
  }

  @operator("*")
  times(other: Point): Point {
    return new Point((this.x * other.x - this.y * other.y) % 1000003, (this.x * other.y + this.y * other.x) % 1000003);
  }
}

function makeVehicle(i: i32): Vehicle {
  if (i % 3 === 0) return new Truck(2 + (i % 4), <f64>(i % 40) + 0.5);
  return new Car();
}

const count = process.argv.length > 1 ? I32.parseInt(process.argv[1]) : 60;
const fleet: Vehicle[] = [];
const byLabel = new Map<string, Vehicle>();
for (let i = 0; i < count; i++) {
  const vehicle = makeVehicle(i);
  fleet.push(vehicle);
  byLabel.set(vehicle.label, vehicle);
}

let toll = 0.0;
let price = 0;
for (let i = 0; i < fleet.length; i++) {
  const vehicle = fleet[i];
  toll += vehicle.toll(<f64>(i % 17));
  price += (vehicle as Priced).price();
  if (vehicle instanceof Truck) toll -= (vehicle as Truck).tons;
}
console.log(`toll ${toll}, price ${price}, ${byLabel.size} labels`);

let point = new Point(1, 0);
for (let i = 0; i < count; i++) point = point * new Point(3, 1) + new Point(i, -i);
console.log(`point ${point.x} ${point.y}`);
