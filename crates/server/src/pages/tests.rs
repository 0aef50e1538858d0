//! Files as browsers ask for them: names, encodings, what is in their caches.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::BodyExt as _;

use super::*;

const PAGE: &[u8] = b"<!doctype html><head><title>x</title></head>";

fn packed(plain: &[u8]) -> &'static [u8] {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).expect("packed");
    Box::leak(encoder.finish().expect("packed").into_boxed_slice())
}

fn app() -> App {
    App::new(&[
        ("index.html", packed(PAGE)),
        ("assets/main-1a2b.js", packed(b"let a = 1")),
        ("favicon.svg", packed(b"<svg/>")),
        ("docs/index.html", packed(b"<title>Guide</title>")),
        ("docs/server.html", packed(b"<title>Server</title>")),
    ])
}

fn welcome(settings: &str) -> Welcome {
    Welcome::of(&config::files::Node::parse(settings).expect("settings"))
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, value.parse().expect("value"));
    }
    headers
}

fn got<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().expect("text"))
}

async fn bytes(response: Response<Body>) -> Vec<u8> {
    let body = response.into_body().collect().await.expect("body");
    body.to_bytes().to_vec()
}

#[tokio::test]
async fn names_lead_to_files_of_the_app_and_nowhere_else() {
    let app = app();
    for (path, expected) in [
        ("", Some(("text/html; charset=utf-8", ASK))),
        ("index.html", Some(("text/html; charset=utf-8", ASK))),
        (
            "assets/main-1a2b.js",
            Some(("text/javascript; charset=utf-8", FOR_EVER)),
        ),
        ("favicon.svg", Some(("image/svg+xml", ASK))),
        ("docs", Some(("text/html; charset=utf-8", ASK))),
        ("docs/server.html", Some(("text/html; charset=utf-8", ASK))),
        ("docs/", None),
        ("assets", None),
        ("assets/", None),
        ("../index.html", None),
        ("assets/../index.html", None),
        ("/index.html", None),
        ("index.html/", None),
        ("etc/passwd", None),
    ] {
        let found = answer(
            &app,
            &Welcome::default(),
            &Method::GET,
            path,
            &HeaderMap::new(),
        );
        let found = found.map(|response| {
            let of = |name| got(&response, name).expect("header").to_owned();
            (of("content-type"), of("cache-control"))
        });
        let expected = expected.map(|(kind, cached)| (kind.to_owned(), cached.to_owned()));
        assert_eq!(found, expected, "{path:?}");
    }
    assert!(
        answer(
            &app,
            &Welcome::default(),
            &Method::POST,
            "",
            &HeaderMap::new()
        )
        .is_none()
    );
    assert!(
        answer(
            &app,
            &Welcome::default(),
            &Method::HEAD,
            "",
            &HeaderMap::new()
        )
        .is_some()
    );
}

#[tokio::test]
async fn encodings() {
    let app = app();
    let mut deflated = flate2::write::ZlibEncoder::new(Vec::new(), Compression::default());
    deflated.write_all(PAGE).expect("packed");
    let deflated = deflated.finish().expect("packed");
    let (gzip, deflate) = (Some("gzip"), Some("deflate"));
    for (accepted, coding) in [
        (&[][..], None),
        (&[("accept-encoding", "gzip, deflate, br, zstd")], gzip),
        (&[("accept-encoding", "GZIP;q=0.5")], gzip),
        (
            &[("accept-encoding", "br"), ("accept-encoding", "gzip")],
            gzip,
        ),
        (&[("accept-encoding", "deflate")], deflate),
        (&[("accept-encoding", "gzip;q=0, *")], None),
        (&[("accept-encoding", "*")], gzip),
        (&[("accept-encoding", "identity")], None),
        (&[("accept-encoding", "gzipped")], None),
    ] {
        let response = answer(
            &app,
            &Welcome::default(),
            &Method::GET,
            "",
            &headers(accepted),
        )
        .expect("page");
        let encoding = got(&response, "content-encoding").map(str::to_owned);
        assert_eq!(encoding.as_deref(), coding, "{accepted:?}");
        assert_eq!(got(&response, "vary"), Some("accept-encoding"));
        let expected = match coding {
            None => PAGE,
            Some("gzip") => packed(PAGE),
            Some(_) => &deflated,
        };
        let again = answer(
            &app,
            &Welcome::default(),
            &Method::GET,
            "",
            &headers(accepted),
        )
        .expect("page");
        let (Body::Shared(one), Body::Shared(other)) = (response.body(), again.body()) else {
            panic!("{accepted:?}: made for this request alone");
        };
        assert_eq!(one.as_ptr(), other.as_ptr(), "{accepted:?}");
        assert_eq!(bytes(response).await, expected, "{accepted:?}");
    }
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    let app = app();
    let first = answer(
        &app,
        &Welcome::default(),
        &Method::GET,
        "",
        &HeaderMap::new(),
    )
    .expect("page");
    let tag = got(&first, "etag").expect("tag").to_owned();
    let strong = tag.trim_start_matches("W/").to_owned();
    let js = app
        .find("assets/main-1a2b.js", &Welcome::default())
        .expect("file")
        .tag
        .clone();
    assert_ne!(tag, js);
    for (given, status) in [
        (tag.as_str(), 304),
        (strong.as_str(), 304),
        ("*", 304),
        (&format!("\"other\", {tag}"), 304),
        (js.as_str(), 200),
        ("nonsense", 200),
    ] {
        let asked = headers(&[("if-none-match", given), ("accept-encoding", "gzip")]);
        let response = answer(&app, &Welcome::default(), &Method::GET, "", &asked).expect("page");
        assert_eq!(response.status(), status, "{given}");
        assert_eq!(got(&response, "etag"), Some(tag.as_str()), "{given}");
        assert_eq!(bytes(response).await.is_empty(), status == 304, "{given}");
    }
}

#[tokio::test]
async fn every_page_is_guarded() {
    for app in [app(), App::default()] {
        let response = answer(
            &app,
            &Welcome::default(),
            &Method::GET,
            "",
            &HeaderMap::new(),
        )
        .expect("page");
        let policy = got(&response, "content-security-policy").expect("policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(got(&response, name), Some(value));
        }
    }
}

#[tokio::test]
async fn without_an_app_the_start_page_says_how_to_get_it() {
    let app = App::default();
    let response = answer(
        &app,
        &Welcome::default(),
        &Method::GET,
        "",
        &HeaderMap::new(),
    )
    .expect("page");
    assert_eq!(
        got(&response, "content-type"),
        Some("text/html; charset=utf-8")
    );
    let text = String::from_utf8(bytes(response).await).expect("text");
    assert!(
        text.contains("npm") && text.contains("cargo build"),
        "{text}"
    );
    // The policy forbids both.
    assert!(
        !text.contains("<script") && !text.contains("style="),
        "{text}"
    );
    assert!(
        answer(
            &app,
            &Welcome::default(),
            &Method::GET,
            "index.html",
            &HeaderMap::new()
        )
        .is_none()
    );
}

#[tokio::test]
async fn settings_stand_in_the_start_page_alone() {
    let app = app();
    let tag_of = |welcome: &Welcome, path| {
        let response = answer(&app, welcome, &Method::GET, path, &HeaderMap::new());
        got(&response.expect("page"), "etag")
            .expect("tag")
            .to_owned()
    };
    let (none, one, other) = (
        welcome(""),
        welcome("consent-text: SGVsbG8=\n"),
        welcome("consent-text: SGVsbG8h\n"),
    );
    let tags: std::collections::HashSet<String> = [&none, &one, &other]
        .into_iter()
        .map(|welcome| tag_of(welcome, ""))
        .collect();
    assert_eq!(tags.len(), 3, "another text is another page");
    assert_eq!(tag_of(&one, ""), tag_of(&one, "index.html"));
    for path in ["assets/main-1a2b.js", "docs"] {
        assert_eq!(tag_of(&none, path), tag_of(&one, path), "{path}");
    }
    for accepted in [&[][..], &[("accept-encoding", "gzip")]] {
        let request = headers(accepted);
        let response = answer(&app, &one, &Method::GET, "", &request).expect("page");
        let again = answer(&app, &one, &Method::GET, "", &request).expect("page");
        let (Body::Shared(first), Body::Shared(second)) = (response.body(), again.body()) else {
            panic!("made for this request alone");
        };
        assert_eq!(first.as_ptr(), second.as_ptr(), "{accepted:?}");
        let mut page = bytes(response).await;
        if !accepted.is_empty() {
            let mut plain = Vec::new();
            std::io::Read::read_to_end(
                &mut flate2::read::GzDecoder::new(page.as_slice()),
                &mut plain,
            )
            .expect("gzip");
            page = plain;
        }
        assert_eq!(
            String::from_utf8_lossy(&page),
            "<!doctype html><head><title>x</title>\
             <meta name=\"strongroom-consent\" content=\"SGVsbG8=\">\n</head>"
        );
    }
}

#[tokio::test]
async fn without_a_guide_its_page_says_where_it_is() {
    let app = App::new(&[("index.html", packed(PAGE))]);
    for app in [app, App::default()] {
        let response = answer(
            &app,
            &Welcome::default(),
            &Method::GET,
            "docs",
            &HeaderMap::new(),
        );
        let response = response.expect("page");
        let kind = got(&response, "content-type").map(str::to_owned);
        assert_eq!(kind.as_deref(), Some("text/plain; charset=utf-8"));
        let text = String::from_utf8(bytes(response).await).expect("text");
        assert!(text.contains("docs/guide"), "{text}");
    }
}

#[test]
fn the_name_of_the_guide_leads_into_its_folder() {
    let response = to_guide();
    assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(got(&response, "location"), Some("docs/"));
    assert!(got(&response, "content-security-policy").is_some());
}
