// Panics of Rust, one for each name.
use std::env;

#[inline(never)]
fn index(list: &[i32], i: usize) -> i32 {
    list[i]
}

#[inline(never)]
fn overflow(n: u8) -> u8 {
    n + 200
}

#[inline(never)]
fn unwrap(text: &str) -> i32 {
    text.parse().unwrap()
}

#[inline(never)]
fn explicit() {
    panic!("out of cheese");
}

fn main() {
    let name = env::args().nth(1).unwrap_or_default();
    let n = name.len();
    match name.as_str() {
        "index" => println!("{}", index(&[1, 2, 3], n + 2)),
        "overflow" => println!("{}", overflow(n as u8 + 100)),
        "unwrap" => println!("{}", unwrap(&name)),
        "explicit" => explicit(),
        _ => (),
    }
}
