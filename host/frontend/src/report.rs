//! Reports about runs of the policies in the progress of the build: warnings, and explanations where the build asks for
//! them.

mod print;

use refkit::{Event, Level, Resolution, Session};
use refkit_buildkit::{Bridge, pb};
use refkit_oci::Digest;
use refkit_report::explain::Explained;

use crate::own_image;
use crate::rules::image::ImageRequest;
use crate::rules::refusal::one_line;

/// Reports about the runs of one build.
#[derive(Debug, Clone)]
pub struct Reporter {
    bridge: Bridge,
    explains: bool,
}

impl Reporter {
    /// Returns the reporter of a build. `explains` is whether the build asks for explanations.
    pub fn new(bridge: Bridge, explains: bool) -> Self {
        Self { bridge, explains }
    }

    /// Reports a run that has ended. A report that BuildKit refuses does not end the build.
    pub async fn report(&self, request: &ImageRequest, session: &Session, resolution: Option<&Resolution>) {
        let vertex = vertex(request);
        self.warn(&vertex, warnings(session)).await;
        if self.explains {
            let lines = Explained::of(&[], session, resolution).lines();
            let name = format!("[refkit] how {} was resolved for {}", request.name.reference, request.wanted.platform);
            // The lines become warnings where no step can print them.
            if !self.print(&name, &lines).await {
                self.warn(&vertex, lines).await;
            }
        }
    }

    /// Warns that a tag moved while the build ran. BuildKit resolves a tag once for each platform, and its provenance
    /// records the later digest.
    pub async fn report_moved(&self, request: &ImageRequest, kept: &Digest, to: &Digest) {
        let ImageRequest { name, wanted } = request;
        let text = format!(
            "{} moved while this build ran: it is built with {kept} for all platforms, though BuildKit's provenance of \
             {} names {to}; build again for the new one",
            name.reference, wanted.platform
        );
        self.warn(&vertex(request), vec![one_line(&text)]).await;
    }

    /// Shows lines as warnings of a step of the build.
    async fn warn(&self, vertex: &str, lines: Vec<String>) {
        for line in lines {
            let short = line.into();
            let request = pb::WarnRequest { digest: vertex.to_owned(), level: 1, short, ..Default::default() };
            let _ = self.bridge.warn(request).await;
        }
    }

    /// Prints lines by a step of the build, and returns whether BuildKit has run it.
    async fn print(&self, name: &str, lines: &[String]) -> bool {
        let definition = own_image::definition().and_then(|image| print::definition(image, name, lines));
        if definition.is_none() {
            return false;
        }
        let request = pb::SolveRequest {
            definition,
            allow_result_return: true,
            allow_result_array_ref: true,
            evaluate: true,
            ..Default::default()
        };
        self.bridge.solve(request).await.is_ok()
    }
}

/// Returns the warnings of a run, each with the name of its policy.
fn warnings(session: &Session) -> Vec<String> {
    let trace = session.trace();
    let policy = |parent: Option<usize>| match parent.and_then(|parent| trace.spans.get(parent)).map(|span| &span.event)
    {
        Some(Event::Policy { name, .. }) => name.to_string(),
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

/// Returns the digest of the step in which BuildKit resolves the image.
fn vertex(request: &ImageRequest) -> String {
    let text = format!("{}{}", request.name.identifier(), request.wanted.platform);
    refkit_content::verify::digest(refkit_oci::Algorithm::Sha256, text.as_bytes()).into_string()
}
