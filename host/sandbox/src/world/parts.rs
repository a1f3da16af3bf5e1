//! How many parts a component may have: cheap to count, and each costs the compiler or the engine more than its bytes.

use wasmparser::Payload;

use crate::LoadError;

/// Functions, of all modules together. Those of componentize-py have 14,000.
const FUNCTIONS: u64 = 100_000;

/// Data segments, of all modules together. Those of componentize-py have 1,900.
const SEGMENTS: u64 = 100_000;

/// Bytes of everything but code, data and custom sections: types, imports, exports, aliases, instances, elements. Those
/// of componentize-py have 340,000.
const DESCRIPTIONS: u64 = 4 << 20;

/// What was counted so far.
#[derive(Debug, Default)]
pub(super) struct Parts {
    functions: u64,
    segments: u64,
    descriptions: u64,
}

impl Parts {
    /// Counts a part.
    ///
    /// # Errors
    /// [`LoadError::TooMany`].
    pub fn add(&mut self, payload: &Payload<'_>) -> Result<(), LoadError> {
        match payload {
            Payload::FunctionSection(functions) => self.functions += u64::from(functions.count()),
            Payload::DataSection(segments) => self.segments += u64::from(segments.count()),
            _ => {}
        }
        let inner = matches!(
            payload,
            Payload::CodeSectionStart { .. }
                | Payload::CodeSectionEntry(_)
                | Payload::DataSection(_)
                | Payload::CustomSection(_)
                | Payload::ModuleSection { .. }
                | Payload::ComponentSection { .. }
        );
        if let (false, Some((_, range))) = (inner, payload.as_section()) {
            self.descriptions += (range.end - range.start) as u64;
        }
        let counts = [
            ("functions", self.functions, FUNCTIONS),
            ("data segments", self.segments, SEGMENTS),
            ("bytes of types, imports, exports and the like", self.descriptions, DESCRIPTIONS),
        ];
        match counts.into_iter().find(|(_, count, limit)| count > limit) {
            Some((what, count, limit)) => Err(LoadError::TooMany { what, count, limit }),
            None => Ok(()),
        }
    }
}
