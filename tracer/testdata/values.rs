// Values of the language at different depths of the stack, a closure, generics, a thread
// and panics that are caught.
use std::collections::HashMap;
use std::fmt::Display;
use std::panic;
use std::thread;

#[derive(Clone, Debug)]
enum Shape {
    Empty,
    Circle { radius: f64 },
    Named(String, u32),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Level {
    Low = 1,
    High = 5,
}

#[derive(Debug)]
struct Item<'a> {
    name: &'a str,
    tags: Vec<u16>,
    level: Level,
    next: Option<Box<Item<'a>>>,
    pair: (i32, char),
}

mod inner {
    pub struct Unit;
    pub trait Area {
        fn area(&self, factor: u64) -> u64;
    }
    impl Area for Unit {
        #[inline(never)]
        fn area(&self, factor: u64) -> u64 {
            factor * 3 + super::weigh(factor)
        }
    }
}
use inner::Area;

#[inline(never)]
fn weigh(n: u64) -> u64 {
    let mut sum = n;
    for i in 0..n % 7 {
        sum = sum.wrapping_mul(31) ^ i;
    }
    sum
}

#[inline(never)]
fn describe<T: Display>(value: T, depth: u32) -> String {
    if depth == 0 {
        return format!("{:>10}", value);
    }
    let text = describe(&value as &dyn Display, depth - 1);
    text + "."
}

#[inline(never)]
fn measure(shapes: &[Shape], item: &Item, flag: Option<u8>) -> f64 {
    let mut total = 0.0;
    for shape in shapes {
        total += match shape {
            Shape::Empty => 0.5,
            Shape::Circle { radius } => radius * radius,
            Shape::Named(name, n) => name.len() as f64 + weigh(*n as u64) as f64,
        };
    }
    total + item.tags.iter().map(|&t| weigh(t as u64) as f64).sum::<f64>() + flag.unwrap_or(0) as f64
}

#[inline(never)]
fn fail(n: i32) -> i32 {
    if n > 2 {
        panic!("n is {}", n);
    }
    n
}

fn main() {
    panic::set_hook(Box::new(|_| {}));
    let shapes = vec![Shape::Empty, Shape::Circle { radius: 1.5 }, Shape::Named("disc".to_string(), 12)];
    let last = Item { name: "last", tags: vec![], level: Level::Low, next: None, pair: (-1, 'z') };
    let item = Item { name: "first", tags: vec![1, 2, 3], level: Level::High, next: Some(Box::new(last)), pair: (7, 'é') };
    let mut map = HashMap::new();
    let area: &dyn Area = &inner::Unit;
    for round in 0..1000u64 {
        let t = measure(&shapes, &item, if round % 2 == 0 { Some(3) } else { None });
        let s = describe(round, 3);
        map.insert(s.clone(), t);
        let caught = panic::catch_unwind(|| fail(round as i32 % 5)).unwrap_or(-1);
        let w = thread::spawn(move || weigh(round)).join().unwrap();
        if area.area(w) == caught as u64 && item.level == Level::High {
            println!("{} {:?} {}", s, item, map.len());
        }
    }
}
