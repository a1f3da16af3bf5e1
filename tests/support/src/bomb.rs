//! Components that cost a compiler or an engine far more than their bytes. What they export has the names that a policy
//! has, and nothing in it.

/// What a component begins with.
const HEAD: &[u8] = b"\0asm\x0d\0\x01\0";

/// The exports of a policy.
const EXPORTS: [&str; 2] = ["refkit:policy/about@0.1.0", "refkit:policy/resolver@0.1.0"];

/// Encodes a component of some sections, and the exports of a policy: an instance with nothing in it. The sections make
/// so many instances before.
fn component(sections: &[Vec<u8>], instances: u8) -> Vec<u8> {
    let name = |text: &str| [&[0][..], &number(text.len()), text.as_bytes()].concat();
    let exports = list(EXPORTS.len(), |index| [name(EXPORTS[index]), vec![5, instances, 0]].concat());
    [HEAD, &sections.concat(), &section(5, &[1, 1, 0]), &section(11, &exports)].concat()
}

/// A number as LEB128.
fn number(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id][..], &number(content.len()), content].concat()
}

fn list(count: usize, item: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    std::iter::once(number(count)).chain((0..count).map(item)).flatten().collect()
}

/// A core module as a section of a component.
fn module(sections: &[Vec<u8>]) -> Vec<u8> {
    section(1, &[b"\0asm\x01\0\0\0".to_vec(), sections.concat()].concat())
}

/// A type without parameters and results.
const NOTHING: &[u8] = &[0x60, 0, 0];

/// A module of functions that have such a type.
fn of_functions(bodies: usize, body: &[u8]) -> Vec<u8> {
    let types = section(1, &list(1, |_| NOTHING.to_vec()));
    let functions = section(3, &list(bodies, |_| vec![0]));
    module(&[types, functions, section(10, &list(bodies, |_| [&number(body.len()), body].concat()))])
}

/// As many functions.
pub fn functions(count: usize) -> Vec<u8> {
    component(&[of_functions(count, &[0, 0x0b])], 0)
}

/// One function of so many blocks, each in the one before: three bytes each.
pub fn blocks(count: usize) -> Vec<u8> {
    let body = [&[0][..], &[2, 0x40].repeat(count), &vec![0x0b; count], &[0x0b]].concat();
    component(&[of_functions(1, &body)], 0)
}

/// As many data segments.
pub fn segments(count: usize) -> Vec<u8> {
    let memory = section(5, &[1, 0, 1]);
    component(&[module(&[memory, section(11, &list(count, |_| vec![0, 0x41, 0, 0x0b, 1, 1]))])], 0)
}

/// As many types of functions, each another.
pub fn types(count: usize) -> Vec<u8> {
    const VALUES: [u8; 4] = [0x7f, 0x7e, 0x7d, 0x7c];
    let one = |index: usize| {
        let digits = (0..10).map(|digit| VALUES[index >> (2 * digit) & 3]);
        [&[0x60, 10][..], &digits.collect::<Vec<u8>>(), &[0]].concat()
    };
    component(&[module(&[section(1, &list(count, one))])], 0)
}

/// As many exports of one function.
pub fn exports(count: usize) -> Vec<u8> {
    let one = |index: usize| [&[7][..], format!("{index:07}").as_bytes(), &[0, 0]].concat();
    let types = section(1, &list(1, |_| NOTHING.to_vec()));
    let function = section(3, &[1, 0]);
    component(&[module(&[types, function, section(7, &list(count, one)), section(10, &[1, 2, 0, 0x0b])])], 0)
}

/// A component that has two of another one, which has two of another one, and so on.
pub fn nested(depth: usize) -> Vec<u8> {
    let mut inner = [HEAD, &module(&[]), &section(2, &[1, 0, 0, 0])].concat();
    for _ in 0..depth {
        inner = [HEAD, &section(4, &inner), &section(5, &[2, 0, 0, 0, 0, 0, 0])].concat();
    }
    component(&[section(4, &inner), section(5, &[1, 0, 0, 0])], 1)
}
