//! Reads an ELF file's headers (System V ABI, chapters 4 and 5): the machine of a program, and whether it needs a
//! loader and libraries.

use std::fmt;

use refkit_oci::Platform;

/// A machine that runs Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// `e_machine`, whether addresses have 64 bits, and whether the low byte comes first.
    header: (u16, bool, bool),
    /// The platform's architecture and variant.
    platform: (&'static str, Option<&'static str>),
    /// Rust's static target for the machine.
    pub triple: &'static str,
}

const MACHINES: [Machine; 8] = [
    machine((62, true, true), ("amd64", None), "x86_64-unknown-linux-musl"),
    machine((183, true, true), ("arm64", None), "aarch64-unknown-linux-musl"),
    // The header does not name the variant. Rust's static target with hardware floating point is v7.
    machine((40, false, true), ("arm", Some("v7")), "armv7-unknown-linux-musleabihf"),
    machine((3, false, true), ("386", None), "i686-unknown-linux-musl"),
    machine((243, true, true), ("riscv64", None), "riscv64gc-unknown-linux-musl"),
    machine((22, true, false), ("s390x", None), "s390x-unknown-linux-musl"),
    machine((21, true, true), ("ppc64le", None), "powerpc64le-unknown-linux-musl"),
    machine((258, true, true), ("loong64", None), "loongarch64-unknown-linux-musl"),
];

const fn machine(
    header: (u16, bool, bool),
    platform: (&'static str, Option<&'static str>),
    triple: &'static str,
) -> Machine {
    Machine { header, platform, triple }
}

impl Machine {
    /// Returns the machine of a platform.
    pub fn of(platform: &Platform) -> Option<Self> {
        MACHINES.into_iter().find(|machine| machine.platform() == *platform)
    }

    /// Returns the platform of the machine's images.
    pub fn platform(&self) -> Platform {
        let (architecture, variant) = self.platform;
        Platform {
            os: "linux".to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.map(str::to_owned),
            ..Platform::default()
        }
    }
}

/// Why a file cannot be the only program in a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsuitable {
    /// The file is not an ELF file.
    Foreign,
    /// The file is an ELF file, but no program for Linux.
    NoProgram(&'static str),
    /// The program needs a loader and libraries.
    Dynamic(Machine),
}

impl fmt::Display for Unsuitable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("it is not an ELF executable"),
            Self::NoProgram(why) => f.write_str(why),
            Self::Dynamic(_) => {
                f.write_str("it is dynamically linked, and in a frontend's image there are no libraries")
            }
        }
    }
}

const CUT: Unsuitable = Unsuitable::NoProgram("it is an ELF file that is cut off");

/// Program headers of this type name a loader.
const PT_INTERP: u32 = 3;

/// Returns the machine of a static program.
///
/// # Errors
/// [`Unsuitable`] for a file that is not a static program for Linux.
pub fn read(bytes: &[u8]) -> Result<Machine, Unsuitable> {
    let identification = bytes.get(..16).filter(|start| start.starts_with(b"\x7fELF")).ok_or(Unsuitable::Foreign)?;
    let header = match (identification[4], identification[5]) {
        (class @ 1..=2, data @ 1..=2) => Header { bytes, wide: class == 2, little: data == 1 },
        _ => return Err(Unsuitable::NoProgram("it is an ELF file of an unknown class")),
    };
    // The values of System V, which Linux uses, and of Linux itself.
    if !matches!(identification[7], 0 | 3) {
        return Err(Unsuitable::NoProgram("it is for another operating system than Linux"));
    }
    let of = |machine: &&Machine| machine.header == (header.half(18).unwrap_or_default(), header.wide, header.little);
    let machine = MACHINES.iter().find(of).copied();
    let machine = machine.ok_or(Unsuitable::NoProgram("it is for a machine that no image platform names"))?;
    let (entry, table, size, count) = if header.wide { (24, 32, 54, 56) } else { (24, 28, 42, 44) };
    if !matches!(header.half(16), Some(2 | 3)) || header.address(entry).ok_or(CUT)? == 0 {
        return Err(Unsuitable::NoProgram("it is an ELF file that is not executable"));
    }
    let table = header.address(table).ok_or(CUT)?;
    let (size, count) = (header.half(size).ok_or(CUT)?, header.half(count).ok_or(CUT)?);
    for place in 0..u64::from(count) {
        let at = table.checked_add(place * u64::from(size)).and_then(|at| usize::try_from(at).ok());
        if at.and_then(|at| header.word(at)).ok_or(CUT)? == PT_INTERP {
            return Err(Unsuitable::Dynamic(machine));
        }
    }
    Ok(machine)
}

struct Header<'a> {
    bytes: &'a [u8],
    wide: bool,
    little: bool,
}

impl Header<'_> {
    fn number<const N: usize>(&self, at: usize) -> Option<u64> {
        let bytes: [u8; N] = self.bytes.get(at..at.checked_add(N)?)?.try_into().ok()?;
        let add = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
        Some(if self.little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) })
    }

    fn half(&self, at: usize) -> Option<u16> {
        self.number::<2>(at).and_then(|number| u16::try_from(number).ok())
    }

    fn word(&self, at: usize) -> Option<u32> {
        self.number::<4>(at).and_then(|number| u32::try_from(number).ok())
    }

    fn address(&self, at: usize) -> Option<u64> {
        if self.wide { self.number::<8>(at) } else { self.number::<4>(at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the header of a program for a machine, with one program header of a type.
    fn program(machine: Machine, kind: u32) -> Vec<u8> {
        let (number, wide, little) = machine.header;
        let mut bytes = vec![0; if wide { 64 } else { 52 }];
        bytes[..8].copy_from_slice(&[0x7f, b'E', b'L', b'F', 1 + u8::from(wide), 2 - u8::from(little), 1, 0]);
        let mut put = |at: usize, length: usize, value: u64| {
            let value = value.to_be_bytes();
            let value = value[8 - length..].iter().copied();
            let value: Vec<u8> = if little { value.rev().collect() } else { value.collect() };
            if bytes.len() < at + length {
                bytes.resize(at + length, 0);
            }
            bytes[at..at + length].copy_from_slice(&value);
        };
        put(16, 2, 2);
        put(18, 2, number.into());
        let (address, table, size, count, end) = if wide { (8, 32, 54, 56, 64) } else { (4, 28, 42, 44, 52) };
        put(24, address, 0x40_0000);
        put(table, address, end);
        put(size, 2, 32);
        put(count, 2, 1);
        put(end as usize, 4, kind.into());
        bytes.resize(bytes.len() + 28, 0);
        bytes
    }

    #[test]
    fn every_machine_is_known_by_its_header() {
        for machine in MACHINES {
            assert_eq!(read(&program(machine, 1)), Ok(machine));
            assert_eq!(read(&program(machine, PT_INTERP)), Err(Unsuitable::Dynamic(machine)));
            let platform = machine.platform();
            assert_eq!(platform.to_string().parse(), Ok(platform));
        }
    }

    #[test]
    fn a_damaged_header_is_an_error() {
        let whole = program(MACHINES[0], 1);
        for end in 0..64 + 4 {
            assert!(read(&whole[..end]).is_err(), "{end}");
        }
        let mut state = 0x5eed_u64;
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..4 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let at = state as usize % bytes.len();
                bytes[at] = (state >> 32) as u8;
            }
            // The result is arbitrary, but the function must not panic.
            let _ = read(&bytes);
        }
    }

    #[test]
    fn what_is_no_program_is_refused() {
        let change = |at: usize, value: u8| {
            let mut bytes = program(MACHINES[0], 1);
            bytes[at] = value;
            read(&bytes)
        };
        for (at, value) in [(4, 3), (4, 1), (5, 2), (7, 9), (16, 1), (16, 4), (18, 0), (26, 0)] {
            assert!(matches!(change(at, value), Err(Unsuitable::NoProgram(_))), "{at}");
        }
        assert_eq!(read(b"#!/bin/sh\nexec something\n"), Err(Unsuitable::Foreign));
        assert_eq!(read(b""), Err(Unsuitable::Foreign));
    }
}
