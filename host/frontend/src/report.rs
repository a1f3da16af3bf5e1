//! What a person reads in the build's progress about the runs of policies: warnings, and the explanation where the
//! build asks for one.

use std::path::Path;

use prost::Message as _;
use refkit::{Event, Level, Policy, Resolution, Session};
use refkit_buildkit::{Bridge, pb};
use refkit_oci::Digest;
use refkit_report::explain::Explained;

use crate::image::Question;
use crate::own;
use crate::refusal::one_line;

/// The most lines and bytes that one explanation may have: it goes as the arguments of a program.
const LINES: usize = 2_000;
const LINE: usize = 4 << 10;

/// Tells a person what policies said.
#[derive(Debug, Clone)]
pub struct Reporter {
    bridge: Bridge,
    explains: bool,
}

impl Reporter {
    /// Returns a reporter; `explains` is whether the build asks for explanations.
    pub fn new(bridge: Bridge, explains: bool) -> Self {
        Self { bridge, explains }
    }

    /// Tells of a run that has ended. What cannot be told is no reason to end a build.
    pub async fn tell(
        &self,
        policies: &[Policy],
        question: &Question,
        session: &Session,
        resolution: Option<&Resolution>,
    ) {
        let vertex = vertex(question);
        self.warn(&vertex, warnings(session)).await;
        if self.explains {
            let lines = Explained::of(policies, &[], session, resolution).lines();
            let name =
                format!("[refkit] how {} was resolved for {}", question.name.reference, question.wanted.platform);
            // Without a step that prints, the lines stand where warnings stand.
            if !self.print(&name, &lines).await {
                self.warn(&vertex, lines).await;
            }
        }
    }

    /// Warns that a tag moved while the build ran: BuildKit was asked for it once for each platform, and records what it
    /// answered.
    pub async fn moved(&self, question: &Question, kept: &Digest, to: &Digest) {
        let Question { name, wanted } = question;
        let text = format!(
            "{} moved while this build ran: it is built with {kept} for all platforms, though BuildKit's provenance of \
             {} names {to}; build again for the new one",
            name.reference, wanted.platform
        );
        self.warn(&vertex(question), vec![one_line(&text)]).await;
    }

    /// Puts lines beside a step that people see.
    async fn warn(&self, vertex: &str, lines: Vec<String>) {
        for line in lines {
            let short = line.into();
            let request = pb::WarnRequest { digest: vertex.to_owned(), level: 1, short, ..Default::default() };
            let _ = self.bridge.warn(request).await;
        }
    }

    /// Runs this program once more, as a step of the build: what such a step prints is what people see. Returns whether
    /// that was possible.
    async fn print(&self, name: &str, lines: &[String]) -> bool {
        let Some(definition) = own::definition().and_then(|own| printing(own, name, lines)) else { return false };
        let request = pb::SolveRequest {
            definition: Some(definition),
            allow_result_return: true,
            allow_result_array_ref: true,
            evaluate: true,
            ..Default::default()
        };
        self.bridge.solve(request).await.is_ok()
    }
}

/// Returns the warnings of a run, each with the policy that gave it.
fn warnings(session: &Session) -> Vec<String> {
    let trace = session.trace();
    let policy = |parent: Option<usize>| match parent.and_then(|parent| trace.spans.get(parent)).map(|span| &span.event)
    {
        Some(Event::Policy { name, .. }) => name.clone(),
        _ => "policy".to_owned(),
    };
    let text = |span: &refkit::Span| match &span.event {
        Event::Message { level: Level::Warn, message, fields } => {
            let fields: String = fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
            Some(one_line(&format!("{}: {message}{fields}", policy(span.parent))))
        }
        _ => None,
    };
    trace.spans.iter().filter_map(text).collect()
}

/// Returns BuildKit's name for the step in which it looked for the image.
fn vertex(question: &Question) -> String {
    let text = format!("{}{}", question.name.identifier(), question.wanted.platform);
    refkit_content::verify::digest(refkit_oci::Algorithm::Sha256, text.as_bytes()).into_string()
}

/// Returns a definition that runs this program on its own image.
fn printing(own: pb::Definition, name: &str, lines: &[String]) -> Option<pb::Definition> {
    let program = std::env::current_exe().ok()?;
    let program = Path::new(&program).to_str()?.to_owned();
    let shown = lines.iter().take(LINES).map(|line| line.chars().take(LINE).collect::<String>());
    let arguments: Vec<String> = [program, "--print".to_owned()].into_iter().chain(shown).collect();
    let rootfs = pb::Op::decode(own.def.last()?.clone()).ok()?.inputs.pop()?;
    let mut definition = pb::Definition { source: None, ..own };
    definition.def.pop();
    let meta = pb::Meta { args: arguments, cwd: "/".to_owned(), ..Default::default() };
    let mount = pb::Mount { dest: "/".to_owned(), output: -1, readonly: true, ..Default::default() };
    let exec = pb::ExecOp { meta: Some(meta), mounts: vec![mount] };
    let platform = definition.def.iter().rev().find_map(|bytes| pb::Op::decode(bytes.clone()).ok()?.platform);
    let run = pb::Op { inputs: vec![rootfs], op: Some(pb::op::Op::Exec(exec)), platform, ..Default::default() };
    let run = bytes::Bytes::from(run.encode_to_vec());
    let digest = refkit_content::verify::digest(refkit_oci::Algorithm::Sha256, &run).into_string();
    // The same text is printed again in the next build.
    let caps = ["exec.meta.base", "exec.mount.bind", "meta.ignorecache", "meta.description"];
    let metadata = pb::OpMetadata {
        ignore_cache: true,
        description: [("llb.customname".to_owned(), name.to_owned())].into(),
        caps: caps.into_iter().map(|cap| (cap.to_owned(), true)).collect(),
    };
    definition.metadata.insert(digest.clone(), metadata);
    let result = pb::Op { inputs: vec![pb::Input { digest, index: 0 }], ..Default::default() };
    definition.def.extend([run, result.encode_to_vec().into()]);
    Some(definition)
}
