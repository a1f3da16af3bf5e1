//! The stages of a Dockerfile, and what each names.

use crate::error::{DockerfileError, Problem};
use crate::flags;
use crate::instruction::Instruction;
use crate::variables::{self, Assignment};

/// A stage: its `FROM`, and what its instructions read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stage {
    pub(crate) line: u32,
    /// As it is written.
    pub(crate) base: String,
    /// In lower case.
    pub(crate) name: Option<String>,
    /// As it is written.
    pub(crate) platform: Option<String>,
    pub(crate) sources: Vec<Source>,
    /// What stages and images that are made of this one read from.
    pub(crate) triggered: Vec<Source>,
}

/// A stage or an image that an instruction reads from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) line: u32,
    pub(crate) name: String,
    pub(crate) of: Of,
}

/// The kind of instruction that reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// `COPY --from`, where a number is a stage.
    Copy,
    /// `RUN --mount=from`, where a number is a name.
    Mount,
}

/// The variables before the first stage, each with its line, and the stages.
pub(crate) type Read = (Vec<(u32, Assignment)>, Vec<Stage>);

/// Returns the variables before the first stage, and the stages.
pub(crate) fn read(instructions: Vec<Instruction>, escape: char) -> Result<Read, DockerfileError> {
    let (mut args, mut stages) = (Vec::new(), Vec::<Stage>::new());
    let last = instructions.last().map_or(1, |instruction| instruction.line);
    for instruction in instructions {
        match (instruction.keyword, stages.last_mut()) {
            ("FROM", _) => stages.push(Stage::read(&instruction)?),
            ("ARG", None) => {
                let assignments = variables::arg(&instruction, escape)?;
                args.extend(assignments.into_iter().map(|one| (instruction.line, one)));
            }
            (other, None) => return Err(Problem::BeforeFrom(other).at(instruction.line)),
            (_, Some(stage)) => match &instruction.trigger {
                Some(trigger) => stage.triggered.extend(sources(trigger)?),
                None => stage.sources.extend(sources(&instruction)?),
            },
        }
    }
    if stages.is_empty() {
        return Err(Problem::NoStage.at(last));
    }
    Ok((args, stages))
}

impl Stage {
    fn read(instruction: &Instruction) -> Result<Self, DockerfileError> {
        let line = instruction.line;
        let words: Vec<&str> = instruction.words().collect();
        let (base, name) = match words[..] {
            [base] => (base, None),
            [base, word, name] if word.eq_ignore_ascii_case("as") => (base, Some(name)),
            _ => return Err(Problem::From.at(line)),
        };
        let name = name.map(|name| stage_name(name).ok_or_else(|| Problem::StageName(name.to_owned()).at(line)));
        Ok(Self {
            line,
            base: base.to_owned(),
            name: name.transpose()?,
            platform: instruction.value("platform")?.filter(|platform| !platform.is_empty()).map(str::to_owned),
            sources: Vec::new(),
            triggered: Vec::new(),
        })
    }
}

/// Returns the name of a stage in lower case.
fn stage_name(text: &str) -> Option<String> {
    let name = text.to_lowercase();
    let part = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-' | '_' | '.');
    (name.starts_with(|first: char| first.is_ascii_lowercase()) && name.chars().all(part)).then_some(name)
}

/// Returns what an instruction reads from.
pub(crate) fn sources(instruction: &Instruction) -> Result<Vec<Source>, DockerfileError> {
    let line = instruction.line;
    let source = |name: &str, of| Source { line, name: name.to_owned(), of };
    match instruction.keyword {
        "COPY" => {
            let name = instruction.value("from")?.filter(|name| !name.is_empty());
            // BuildKit refuses what quotes, escape characters or variables would change.
            match name {
                Some(name) if name.contains(['$', '\'', '"', '\\']) => Err(Problem::Variable(name.to_owned()).at(line)),
                name => Ok(name.map(|name| source(name, Of::Copy)).into_iter().collect()),
            }
        }
        "RUN" => {
            let mut sources = Vec::new();
            for mount in instruction.values("mount")? {
                let fields = flags::fields(mount);
                let fields = fields.iter().filter_map(|field| field.split_once('='));
                let mut from = fields.filter(|(name, _)| name.eq_ignore_ascii_case("from")).map(|(_, value)| value);
                let from = from.next_back().filter(|name| !name.is_empty());
                if let Some(name) = from {
                    if name.trim_end_matches('$').contains('$') {
                        return Err(Problem::Variable(name.to_owned()).at(line));
                    }
                    sources.push(source(name, Of::Mount));
                }
            }
            Ok(sources)
        }
        _ => Ok(Vec::new()),
    }
}
