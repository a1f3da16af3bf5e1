//! Images of frontends.

use std::path::PathBuf;

use anyhow::bail;
use refkit_support::image::{Image, ImageBuilder};
use refkit_support::workspace_root;

use crate::base;
use crate::layer::Layer;
use crate::programs::program;

/// The label of a frontend whose container needs no network.
const NETWORK_NONE: &str = "moby.buildkit.frontend.network.none";

/// The label with the capabilities of a frontend; the value is that of the Dockerfile frontend's own image.
const CAPS: (&str, &str) = (
    "moby.buildkit.frontend.caps",
    "moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests,moby.buildkit.frontend.contexts",
);

/// A frontend's image made by a test: one static program, without a network.
pub struct Frontend {
    layers: Vec<Vec<u8>>,
    entrypoint: Vec<String>,
    labels: Vec<(String, String)>,
}

impl Frontend {
    /// Starts the image of the Dockerfile frontend.
    ///
    /// # Errors
    /// As [`Frontend::program`].
    pub fn dockerfile() -> anyhow::Result<Self> {
        Self::program("dockerfile-frontend")
    }

    /// Starts the image of a program in `target/tools/bin`, such as `frontend-unresolved`.
    ///
    /// # Errors
    /// An error if it is absent, with the command to run.
    pub fn program(name: &str) -> anyhow::Result<Self> {
        let layer = Layer::new().program(name, &program(name)?)?.build();
        let labels = [(NETWORK_NONE, "true"), CAPS].map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(Self { layers: vec![layer], entrypoint: vec![format!("/{name}")], labels: labels.into() })
    }

    /// Adds a label.
    #[must_use]
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Puts RefKit in front of it.
    ///
    /// # Errors
    /// Where `refkit-frontend` has not been built; the text says what to run.
    pub fn behind_refkit(self) -> anyhow::Result<BehindRefkit> {
        let layer = Layer::new().program("refkit/refkit-frontend", &refkit_frontend()?)?;
        Ok(BehindRefkit { child: self, layer, arguments: vec!["/refkit/refkit-frontend".to_owned()] })
    }

    /// Returns the image.
    pub fn image(self) -> Image {
        let image = ImageBuilder::new(base::native()).entrypoint(self.entrypoint.iter().map(String::as_str));
        let image = self.labels.iter().fold(image, |image, (name, value)| image.label(name, value));
        self.layers.into_iter().fold(image, |image, layer| image.layer(Layer::MEDIA_TYPE, layer)).build()
    }
}

/// The image of a frontend that ships RefKit and policies: one more layer, and a wrapped entrypoint.
pub struct BehindRefkit {
    child: Frontend,
    layer: Layer,
    arguments: Vec<String>,
}

impl BehindRefkit {
    /// Adds a policy; the first one is outermost.
    #[must_use]
    pub fn policy(mut self, name: &str, component: &[u8]) -> Self {
        let path = format!("refkit/policies/{name}.wasm");
        self.layer = self.layer.file(&path, component);
        self.arguments(["--policy".to_owned(), format!("/{path}")])
    }

    /// Sets a policy's setting.
    #[must_use]
    pub fn set(self, name: &str, value: &str) -> Self {
        self.arguments(["--set".to_owned(), format!("{name}={value}")])
    }

    /// Adds arguments of `refkit-frontend`, unchanged.
    #[must_use]
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = String>) -> Self {
        self.arguments.extend(arguments);
        self
    }

    /// Returns the image.
    pub fn image(self) -> Image {
        let mut child = self.child;
        child.layers.push(self.layer.build());
        child.entrypoint = self.arguments.into_iter().chain(["--".to_owned()]).chain(child.entrypoint).collect();
        child.image()
    }
}

/// Returns the static binary of this machine's architecture.
fn refkit_frontend() -> anyhow::Result<PathBuf> {
    let path = format!("target/release/refkit-frontend-{}", base::native().replace('/', "-"));
    let found = workspace_root().join(&path);
    if !found.is_file() {
        bail!("{path} is not there; run: make frontend");
    }
    Ok(found)
}
