//! Which images a build reads.

use std::collections::{BTreeMap, BTreeSet};

use refkit_oci::{Platform, Reference};

use crate::Dockerfile;
use crate::build::{Build, Stages};
use crate::error::{DockerfileError, Problem};
use crate::stage::{Of, Source, Stage};
use crate::variables::Variables;

/// The name of the empty image.
const SCRATCH: &str = "scratch";

/// The build argument that names the frontend in place of the file.
const SYNTAX: &str = "BUILDKIT_SYNTAX";

/// An image that a build reads.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageUse {
    /// The line of the instruction, counted from 1; 0 for the frontend of a build argument.
    pub line: u32,
    /// What reads the image.
    pub instruction: Instruction,
    /// The name, with its variables replaced.
    pub name: String,
    /// The name as a reference.
    pub reference: Reference,
    /// The platform of the image that is read, normalised.
    pub platform: Platform,
}

/// What reads an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Instruction {
    /// `# syntax=`: the frontend.
    Syntax,
    /// `FROM`.
    From,
    /// `COPY --from`.
    Copy,
    /// `RUN --mount=from`.
    Mount,
}

/// What a name stands for.
enum Found {
    Stage(usize),
    Image(Box<ImageUse>),
    Scratch,
}

impl Dockerfile {
    /// Returns the images that a build reads, in the order of their instructions; the frontend is the first.
    ///
    /// # Errors
    /// [`DockerfileError`]: variables that cannot be replaced, a name that is no reference, a platform that is none, or a
    /// stage that does not exist.
    pub fn images(&self, build: &Build) -> Result<Vec<ImageUse>, DockerfileError> {
        let mut images: Vec<ImageUse> = self.frontend(build)?.into_iter().collect();
        let variables = Variables::new(&self.args, build, &self.target_name(build), self.escape)?;
        let mut stages = Vec::with_capacity(self.stages.len());
        // A name is that of the last stage before with it; a flag may name any stage of the file.
        let mut before = BTreeMap::new();
        let all: BTreeMap<&str, usize> = self.stages.iter().zip(0..).filter_map(named).collect();
        for (stage, place) in self.stages.iter().zip(0..) {
            let mut reads = vec![self.base(stage, &before, &variables, build)?];
            for source in &stage.sources {
                reads.push(self.source(source, &all, build)?);
            }
            let parent = match reads.first() {
                Some(Found::Stage(parent)) => self.stages.get(*parent),
                _ => None,
            };
            for source in parent.into_iter().flat_map(|parent| &parent.triggered) {
                reads.push(self.source(source, &all, build)?);
            }
            stages.push(reads);
            before.extend(named((stage, place)));
        }
        let wanted = self.wanted(build, &stages, &all)?;
        let stages = stages.into_iter().zip(0..).filter(|(_, place)| wanted.contains(place));
        images.extend(stages.flat_map(|(reads, _)| reads).filter_map(|found| match found {
            Found::Image(image) => Some(*image),
            _ => None,
        }));
        Ok(images)
    }

    fn frontend(&self, build: &Build) -> Result<Option<ImageUse>, DockerfileError> {
        let given = build.args.get(SYNTAX).filter(|name| !name.is_empty());
        // Words for the frontend may follow.
        let given = given.map(|text| (0, text.split(' ').next().unwrap_or_default()));
        let named = self.syntax.as_ref().map(|(line, name)| (*line, name.as_str()));
        let image = given.or(named).map(|(line, name)| image(line, Instruction::Syntax, name, &build.build_platform));
        image.transpose()
    }

    fn target_name(&self, build: &Build) -> String {
        let last = || self.stages.last().and_then(|stage| stage.name.clone());
        let name = match &build.stages {
            Stages::Target(Some(name)) => Some(name.clone()),
            _ => last(),
        };
        name.unwrap_or_else(|| "default".to_owned())
    }

    fn base(
        &self,
        stage: &Stage,
        before: &BTreeMap<&str, usize>,
        variables: &Variables,
        build: &Build,
    ) -> Result<Found, DockerfileError> {
        let at = |problem: Problem| problem.at(stage.line);
        let name = variables.replace(&stage.base).map_err(at)?;
        if name.is_empty() {
            return Err(at(Problem::Empty(stage.base.clone())));
        }
        let platform = match &stage.platform {
            None => build.target_platform.clone(),
            Some(text) => match variables.replace(text).map_err(at)? {
                platform if platform.is_empty() => return Err(at(Problem::Empty(text.clone()))),
                platform => Platform::parse(&platform).map_err(|error| at(error.into()))?,
            },
        };
        match before.get(name.as_str()) {
            Some(place) => Ok(Found::Stage(*place)),
            None if name == SCRATCH => Ok(Found::Scratch),
            None => Ok(Found::Image(Box::new(image(stage.line, Instruction::From, &name, &platform)?))),
        }
    }

    fn source(&self, source: &Source, all: &BTreeMap<&str, usize>, build: &Build) -> Result<Found, DockerfileError> {
        let Source { line, name, of } = source;
        if *of == Of::Copy
            && let Ok(place) = name.parse::<i64>()
        {
            let place = usize::try_from(place).ok().filter(|place| *place < self.stages.len());
            return place.map(Found::Stage).ok_or_else(|| Problem::NoSuchIndex(name.clone()).at(*line));
        }
        let instruction = match of {
            Of::Copy => Instruction::Copy,
            Of::Mount => Instruction::Mount,
        };
        match all.get(name.to_lowercase().as_str()) {
            Some(place) => Ok(Found::Stage(*place)),
            None if name == SCRATCH => Ok(Found::Scratch),
            None => Ok(Found::Image(Box::new(image(*line, instruction, name, &build.target_platform)?))),
        }
    }

    /// Returns the places of the stages whose images are read.
    fn wanted(
        &self,
        build: &Build,
        stages: &[Vec<Found>],
        all: &BTreeMap<&str, usize>,
    ) -> Result<BTreeSet<usize>, DockerfileError> {
        let first = match &build.stages {
            Stages::All => return Ok((0..stages.len()).collect()),
            Stages::Target(None) => stages.len().saturating_sub(1),
            Stages::Target(Some(name)) => match all.get(name.to_lowercase().as_str()) {
                Some(place) => *place,
                None => {
                    let names: Vec<&str> = all.keys().copied().collect();
                    return Err(Problem::NoSuchStage(name.clone(), names.join(", ")).at(1));
                }
            },
        };
        let (mut wanted, mut open) = (BTreeSet::new(), vec![first]);
        while let Some(place) = open.pop() {
            if wanted.insert(place) {
                let reads = stages.get(place).into_iter().flatten();
                open.extend(reads.filter_map(|found| match found {
                    Found::Stage(place) => Some(*place),
                    _ => None,
                }));
            }
        }
        Ok(wanted)
    }
}

fn named((stage, place): (&Stage, usize)) -> Option<(&str, usize)> {
    Some((stage.name.as_deref()?, place))
}

fn image(line: u32, instruction: Instruction, name: &str, platform: &Platform) -> Result<ImageUse, DockerfileError> {
    let reference = Reference::parse(name).map_err(|error| Problem::from(error).at(line))?;
    Ok(ImageUse { line, instruction, name: name.to_owned(), reference, platform: platform.clone() })
}
