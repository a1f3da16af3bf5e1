//! The entrypoint in front of a frontend's own.

use super::PROGRAM;

/// The program that BuildKit runs in an image without an entrypoint.
const DEFAULT: &str = "/run";

/// The entrypoint of a frontend image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entrypoint {
    /// Paths of policies, the outermost first.
    pub policies: Vec<String>,
    /// Settings, each as `NAME=VALUE`.
    pub settings: Vec<String>,
    /// Patterns of repositories that policies may read.
    pub grants: Vec<String>,
    /// The sources from which builds may add policies.
    pub allowed: Vec<String>,
    /// The entrypoint of the frontend behind the program.
    pub child: Vec<String>,
    /// Unknown arguments.
    pub others: Vec<String>,
}

impl Entrypoint {
    /// Returns the entrypoint in front of a frontend's own.
    #[must_use]
    pub fn wrapping(&self, own: &[String]) -> Self {
        let child = if own.is_empty() { vec![DEFAULT.to_owned()] } else { own.to_vec() };
        Self { child, ..self.clone() }
    }

    /// Returns the arguments, the program first.
    pub fn arguments(&self) -> Vec<String> {
        let options = [
            ("--policy", &self.policies),
            ("--set", &self.settings),
            ("--grant", &self.grants),
            ("--allow-policy", &self.allowed),
        ];
        let mut arguments = vec![PROGRAM.to_owned()];
        for (name, values) in options {
            arguments.extend(values.iter().flat_map(|value| [name.to_owned(), value.clone()]));
        }
        arguments.push("--".to_owned());
        arguments.extend(self.child.iter().cloned());
        arguments
    }

    fn option(&mut self, name: &str) -> Option<&mut Vec<String>> {
        match name {
            "--policy" => Some(&mut self.policies),
            "--set" => Some(&mut self.settings),
            "--grant" => Some(&mut self.grants),
            "--allow-policy" => Some(&mut self.allowed),
            _ => None,
        }
    }

    /// Returns whether arguments run this program.
    pub fn is_ours(arguments: &[String]) -> bool {
        arguments.first().is_some_and(|program| program == PROGRAM)
    }

    /// Reads the arguments of the program; `None` for those of another program.
    pub fn read(arguments: &[String]) -> Option<Self> {
        if !Self::is_ours(arguments) {
            return None;
        }
        let mut found = Self::default();
        let mut rest = arguments.iter().skip(1).cloned();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                found.child = rest.collect();
                break;
            }
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            match found.option(name) {
                Some(values) => values.extend(value.or_else(|| rest.next())),
                None => found.others.push(argument),
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let some = Entrypoint {
            policies: texts(&["/refkit/policies/00-a.wasm", "/refkit/policies/01-b.wasm"]),
            settings: texts(&["allow=a=b", "a.b="]),
            grants: texts(&["ghcr.io/example/*"]),
            allowed: texts(&["build-arg"]),
            ..Entrypoint::default()
        };
        // options, the wrapped entrypoint, the command that runs
        let rows = [
            (Entrypoint::default(), &[][..], &["/run"][..]),
            (some, &["/bin/frontend", "--", "--policy", "x"], &["/bin/frontend", "--", "--policy", "x"]),
        ];
        for (options, own, child) in rows {
            let wrapped = options.wrapping(&texts(own));
            assert_eq!(wrapped.child, child);
            assert_eq!(Entrypoint::read(&wrapped.arguments()).as_ref(), Some(&wrapped));
        }
    }

    #[test]
    fn what_others_wrote_is_read() {
        let read = Entrypoint::read(&texts(&[PROGRAM, "--policy=/a", "--new", "--set=n=v", "x", "--set"])).unwrap();
        let others = texts(&["--new", "x"]);
        let wanted =
            Entrypoint { policies: texts(&["/a"]), settings: texts(&["n=v"]), others, ..Entrypoint::default() };
        assert_eq!(read, wanted);
        assert_eq!(Entrypoint::read(&texts(&["/bin/frontend", "--", PROGRAM])), None);
        assert_eq!(Entrypoint::read(&[]), None);
    }
}
