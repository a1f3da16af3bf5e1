//! TLS, and what each client may read and write. The command is the client.

use refkit_support::FaultRegistry;

use crate::places::{demo_image, fill};
use crate::run::{Ran, Refkit};
use crate::served::{Place, Served, certificates};

/// A registry, and a server that reaches it over TLS.
struct Stand {
    place: Place,
    registry: FaultRegistry,
    served: Served,
    server: String,
}

impl Stand {
    /// Starts a server that denies what no rule matches. `HOST` in its settings stands for the registry.
    fn start(clients: &str, settings: &str) -> Self {
        let (place, registry) = (Place::new(), FaultRegistry::start().unwrap());
        fill(&registry, &["single"]);
        certificates(&place.path(""));
        for (name, token) in [("ci", "bar"), ("dev", "baz")] {
            place.write(&format!("{name}.token"), format!("{token}\n"));
        }
        // The hashes of the two tokens.
        place.write(
            "tokens",
            "ci sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9\n\
             dev sha256:baa5a0964d3320fbc0c6a922140453c8513ea24ab8fd0577034804a967248096\n",
        );
        let tls = format!("{{ cert = \"server.cert\", key = \"server.key\"{clients} }}");
        let listener = format!("grpc = {{ address = \"127.0.0.1:0\", tls = {tls} }}\n");
        let served = place
            .serve(&format!("[server]\n{listener}default = \"deny\"\n{}", settings.replace("HOST", &registry.host())));
        let server = format!("https://{}", served.address("grpc"));
        Self { place, registry, served, server }
    }

    /// Runs a command through the server. Arguments that begin with `@` are files of the server's directory.
    fn run(&self, arguments: &[&str], credentials: &[&str]) -> Ran {
        let file = |argument: &&str| match argument.strip_prefix('@') {
            Some(name) => self.place.path(name).display().to_string(),
            None => argument.replace("HOST", &self.registry.host()),
        };
        let server = ["--no-cache", "--server", &self.server];
        let all: Vec<String> = arguments.iter().chain(&server).chain(credentials).map(file).collect();
        Refkit::new(all.iter().map(String::as_str)).run()
    }
}

const SINGLE: [&str; 2] = ["resolve", "HOST/demo/app:single"];

#[test]
fn a_client_has_a_certificate() {
    let rule = "[[rule]]\nmatch = \"HOST/**\"\nclients = \"certificate:builder.example\"\n";
    let stand = Stand::start(", clients = \"ca.pem\"", rule);
    std::fs::create_dir(stand.place.path("other")).unwrap();
    certificates(&stand.place.path("other"));
    let own = ["--server-ca", "@ca.pem", "--server-cert", "@client.cert", "--server-key", "@client.key"];
    let ran = stand.run(&SINGLE, &own);
    assert!(ran.code == 0 && ran.text().contains(demo_image("single").digest().as_str()), "{}", ran.all());
    let event = stand.served.event(|event| event["message"] == "decided");
    assert_eq!(
        [&event["client"], &event["rule"], &event["outcome"]],
        ["certificate:builder.example", "1", "allowed"],
        "{event}"
    );
    for (what, credentials) in [
        ("no certificate", &["--server-ca", "@ca.pem"][..]),
        (
            "one that another root has signed",
            &["--server-ca", "@ca.pem", "--server-cert", "@other/client.cert", "--server-key", "@other/client.key"],
        ),
        (
            "a server whose root is not trusted",
            &["--server-ca", "@other/ca.pem", "--server-cert", "@client.cert", "--server-key", "@client.key"],
        ),
        ("roots of the system", &[]),
    ] {
        let ran = stand.run(&SINGLE, credentials);
        assert_eq!((ran.code, ran.text()), (1, ""), "{what}: {}", ran.all());
        assert!(ran.stderr.starts_with("error: cannot resolve "), "{what}: {}", ran.all());
    }
}

/// Neither of two clients sees what only the other may, and only the one with a grant pushes.
#[test]
fn clients_read_and_write_what_is_theirs() {
    let rules = "tokens = \"tokens\"\n\
        [[rule]]\nmatch = \"HOST/demo/**\"\nclients = \"token:ci\"\npush = \"token:ci\"\n\
        [[rule]]\nmatch = \"HOST/copied/**\"\nclients = \"token:dev\"\n";
    // A certificate is one way among others here.
    let stand = Stand::start(", clients = \"ca.pem\"", rules);
    let token = |name: &'static str| ["--server-ca", "@ca.pem", "--server-token", name];
    let (ci, dev) = (token("@ci.token"), token("@dev.token"));
    let refused = |ran: &Ran, wanted: &str| {
        assert!(ran.code == 1 && ran.stderr.contains(wanted), "{wanted}: {}", ran.all());
    };
    assert_eq!(stand.run(&SINGLE, &ci).code, 0);
    for command in ["resolve", "inspect", "fetch", "tags", "referrers"] {
        let ran = stand.run(&[command, "HOST/demo/app:single"], &dev);
        refused(&ran, "no rule of this server lets token:dev read ");
        let ran = stand.run(&[command, "HOST/copied/app:1"], &ci);
        refused(&ran, "no rule of this server lets token:ci read ");
    }
    // On loopback a client need not say who it is.
    refused(&stand.run(&SINGLE, &["--server-ca", "@ca.pem"]), "no rule of this server lets anonymous read ");
    let tag = ["tag", "HOST/demo/app:single", "HOST/demo/app:more"];
    refused(&stand.run(&tag, &dev), "no rule of this server lets token:dev ");
    assert!(stand.registry.manifest("demo/app", "more").is_none());
    let ran = stand.run(&tag, &ci);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!(stand.registry.manifest("demo/app", "more").unwrap().1, demo_image("single").bytes);
    let event = stand.served.event(|event| event["service"] == "Push" && event["outcome"] == "allowed");
    assert_eq!([&event["client"], &event["rule"]], ["token:ci", "1"], "{event}");
}
