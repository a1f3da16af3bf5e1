//! A token server issues what it is told to whom it is told.

use refkit_support::{Fault, Rule, TokenField, TokenServer, basic, plain};
use serde_json::Value;

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn get(server: &TokenServer, query: &str, authorization: Option<&str>) -> (u16, Value) {
    let headers: Vec<(&str, &str)> = authorization.into_iter().map(|value| ("Authorization", value)).collect();
    let reply = plain::get(&server.host(), &format!("/token?{query}"), &headers).unwrap();
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

fn post(server: &TokenServer, form: &str) -> (u16, Value) {
    let reply = plain::send(&server.host(), "POST", "/token", &[FORM], form.as_bytes()).unwrap();
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

#[test]
fn only_who_knows_the_password_gets_a_token() {
    let server = TokenServer::opaque().unwrap();
    let right = basic("user", "sec ret&");
    assert_eq!(get(&server, "scope=repository:app:pull", None).0, 200);
    server.require("user", "sec ret&");
    let service = "service=registry.refkit.test&scope=repository%3Aapp%3Apull";
    let password = "grant_type=password&username=user&password";
    let rows = [
        ("nobody", get(&server, service, None).0, 401),
        ("wrong", get(&server, service, Some(&basic("user", "secret"))).0, 401),
        ("right", get(&server, service, Some(&right)).0, 200),
        ("other service", get(&server, "service=other", Some(&right)).0, 400),
        ("form, wrong", post(&server, &format!("{password}=secret")).0, 401),
        ("form, right", post(&server, &format!("{password}=sec+ret%26")).0, 200),
        ("refresh token, unknown", post(&server, "grant_type=refresh_token&refresh_token=again").0, 401),
        ("no grant type", post(&server, "username=user&password=sec+ret%26").0, 401),
    ];
    for (name, status, expected) in rows {
        assert_eq!(status, expected, "{name}");
    }
    server.set_refresh_token("again");
    assert_eq!(post(&server, "grant_type=refresh_token&refresh_token=again").0, 200);
    assert_eq!(get(&server, "offline_token=true", Some(&right)).1["refresh_token"], "again");
    assert_eq!(get(&server, "", Some(&right)).1["refresh_token"], Value::Null);
    let first = &server.requests()[3];
    assert_eq!((first.method.as_str(), first.authorization()), ("GET", Some(right.as_str())));
    assert_eq!((server.count("GET /token"), server.count("POST /token")), (7, 5));
}

#[test]
fn answers_have_the_fields_that_are_set() {
    let server = TokenServer::opaque().unwrap();
    let rows =
        [(TokenField::Both, true, true), (TokenField::Token, true, false), (TokenField::AccessToken, false, true)];
    for (field, token, access_token) in rows {
        server.set_field(field);
        let answer = get(&server, "", None).1;
        assert_eq!(
            (answer["token"].is_string(), answer["access_token"].is_string()),
            (token, access_token),
            "{field:?}"
        );
    }
    assert_eq!(get(&server, "", None).1["expires_in"], 300);
    server.set_lifetime(None);
    assert_eq!(get(&server, "", None).1.get("expires_in"), None);
    assert_eq!(plain::get(&server.host(), "/elsewhere", &[]).unwrap().status, 404);
    server.add(Rule::on("POST *", Fault::status(405)));
    assert_eq!(plain::send(&server.host(), "POST", "/token", &[FORM], b"").unwrap().status, 405);
    server.clear_rules();
    assert_eq!(post(&server, "").0, 200);
}
