//! Image configs.

use oci_spec::image::HistoryBuilder;
use refkit_content::Content;
use refkit_oci::edit::{EditError, Object};

use super::{content, set_within};

/// An image config that is being edited.
#[derive(Debug, Clone)]
pub struct Config(Object);

impl Config {
    /// Reads a config.
    ///
    /// # Errors
    /// [`EditError`] if the bytes are no object.
    pub fn read(bytes: &[u8]) -> Result<Self, EditError> {
        Object::read(bytes).map(Self)
    }

    /// Sets the program that a container runs, with its first arguments.
    ///
    /// # Errors
    /// [`EditError`] if the member `config` is no object.
    pub fn set_entrypoint(&mut self, arguments: &[String]) -> Result<(), EditError> {
        let mut config = self.0.object("config")?;
        config.set("Entrypoint", arguments)?;
        self.0.set("config", &config)
    }

    /// Sets a label.
    ///
    /// # Errors
    /// [`EditError`] if the member `config` or its labels are no object.
    pub fn set_label(&mut self, name: &str, value: &str) -> Result<(), EditError> {
        let mut config = self.0.object("config")?;
        set_within(&mut config, "Labels", name, value)?;
        self.0.set("config", &config)
    }

    /// Adds a layer on top of the others: its digest before compression, and a step of the history if the history has
    /// a step for each layer below.
    ///
    /// # Errors
    /// [`EditError`] if `rootfs` or `history` contradicts the specification.
    pub fn push_layer(&mut self, diff_id: &str, created_by: &str) -> Result<(), EditError> {
        let mut rootfs = self.0.object("rootfs")?;
        let mut diff_ids = rootfs.list("diff_ids")?;
        let below = diff_ids.len();
        diff_ids.push(diff_id)?;
        rootfs.set("diff_ids", &diff_ids)?;
        self.0.set("rootfs", &rootfs)?;

        let mut history = self.0.list("history")?;
        let mut steps = 0;
        for place in 0..history.len() {
            let step = history.object(place)?.unwrap_or_default();
            steps += usize::from(!step.get::<bool>("empty_layer")?.unwrap_or_default());
        }
        // Readers pair steps and layers by their order. If steps are missing, one more step would belong to another
        // layer.
        if steps == below {
            let mut step = HistoryBuilder::default().created_by(created_by);
            if let Some(created) = self.0.get::<String>("created")? {
                step = step.created(created);
            }
            history.push(&step.build().map_err(|error| EditError::Malformed(error.to_string()))?)?;
            self.0.set("history", &history)?;
        }
        Ok(())
    }

    /// Returns the config with the descriptor of its bytes.
    pub fn into_content(self, media_type: &str) -> Content {
        content(media_type, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str) -> String {
        let mut config = Config::read(text.as_bytes()).unwrap();
        config.set_label("b", "2").unwrap();
        config.set_entrypoint(&["/x".to_owned()]).unwrap();
        config.push_layer("sha256:1", "a test").unwrap();
        String::from_utf8(config.into_content("a/b").bytes.to_vec()).unwrap()
    }

    #[test]
    fn members_keep_their_place_and_their_bytes() {
        let text =
            r#"{ "x": 1.0, "config": {"Labels": {"a":"\u00e9"}, "Entrypoint": ["/run"]}, "rootfs": {"diff_ids": []} }"#;
        let wanted = r#"{ "x": 1.0, "config": {"Labels": {"a":"\u00e9","b":"2"}, "Entrypoint": ["/x"]}, "rootfs": {"diff_ids": ["sha256:1"]}, "history": [{"created_by":"a test"}] }"#;
        assert_eq!(edited(text), wanted);
    }

    #[test]
    fn a_history_with_too_few_steps_stays() {
        let steps = [(r#"{"created_by":"one"}"#, true), (r#"{"empty_layer":true}"#, false), ("", false)];
        for (step, grows) in steps {
            let text = format!(r#"{{"created":"2025","rootfs":{{"diff_ids":["sha256:0"]}},"history":[{step}]}}"#);
            let grown = r#",{"created":"2025","created_by":"a test"}]"#;
            assert_eq!(edited(&text).contains(grown), grows, "{step}");
            assert!(edited(&text).contains(&format!("[{step}")), "{step}");
        }
    }
}
