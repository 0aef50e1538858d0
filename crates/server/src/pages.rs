//! What a browser is shown that does not ask the interface: the app's files and the guide, or without them a page that says how to get them. All of
//! it is open to anybody, so there are no secrets in it; what it may do in the browser is bound as tightly as it can be.

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use crate::app::{App, File, GUIDE, Welcome};
use crate::body::Body;

/// Scripts and styles are files of ours and nothing else; nobody shows our pages in his own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const GUARDS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// A year, after which nobody would ask for it anyway.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Kept, and asked about each time.
const ASK: &str = "no-cache";

const NO_APP: &str = "\
<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>Strongroom</title>
<h1>Strongroom backup server</h1>
<p>This server works, but it was built without the app for browsers.</p>
<h2>How to get the app</h2>
<p>Install Node.js 20 or later with npm, then build <code>strongroomd</code> again: <code>cargo build --release --bin strongroomd</code>.
It says when the app is left out, and why. Or take a package that has it.</p>
<h2>What works without it</h2>
<ul>
<li>Clients: <code>strongroom backup</code>, <code>strongroom restore</code> and others; see <code>strongroom help</code>.</li>
<li>Administration on the server itself: <code>strongroom-manager help</code>.</li>
<li>Programs: <a href=\"/api2/openapi.json\">the description of the interface</a>.</li>
</ul>
</html>
";

const NO_GUIDE: &str = "\
This server was built without its guide for browsers: it is made together with the app, by npm.

The same text stands in the folder docs/guide of Strongroom's sources; begin with README.md there.
On the command line: strongroom help, strongroom-manager help, strongroomd help.
";

/// From the guide's name to its folder, so that the links in it lead to its pages.
pub fn to_guide() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    set(&mut response, header::LOCATION, "docs/");
    set(&mut response, header::CACHE_CONTROL, ASK);
    guarded(response)
}

/// The answer for a path, if there is something to show. `path` has no slash at its start.
pub fn answer(
    app: &App,
    welcome: &Welcome,
    method: &Method,
    path: &str,
    request: &HeaderMap,
) -> Option<Response<Body>> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    if let Some(file) = app.find(path, welcome) {
        return Some(guarded(shown(&file, request)));
    }
    let (words, content_type) = match path {
        "" => (NO_APP, "text/html; charset=utf-8"),
        GUIDE => (NO_GUIDE, "text/plain; charset=utf-8"),
        _ => return None,
    };
    let mut response = Response::new(Body::Shared(Bytes::from_static(words.as_bytes())));
    set(&mut response, header::CONTENT_TYPE, content_type);
    set(&mut response, header::CACHE_CONTROL, ASK);
    Some(guarded(response))
}

fn shown(file: &File, request: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    if has_already(request, &file.tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        let (encoding, bytes) = if accepts_gzip(request) {
            (Some("gzip"), Ok(file.packed()))
        } else if accepts(request, "deflate") == Some(true) {
            (Some("deflate"), file.deflated())
        } else {
            (None, file.plain())
        };
        match bytes {
            Ok(bytes) => *response.body_mut() = Body::Shared(bytes),
            Err(error) => {
                tracing::error!("a file of the browser's app is damaged in this program: {error}");
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                return response;
            }
        }
        if let Some(encoding) = encoding {
            set(&mut response, header::CONTENT_ENCODING, encoding);
        }
    }
    let cached = if file.lasting { FOR_EVER } else { ASK };
    set(&mut response, header::CACHE_CONTROL, cached);
    set(&mut response, header::CONTENT_TYPE, file.content_type);
    set(&mut response, header::ETAG, &file.tag);
    set(&mut response, header::VARY, "accept-encoding");
    response
}

fn guarded(mut response: Response<Body>) -> Response<Body> {
    for (name, value) in GUARDS {
        set(&mut response, name, value);
    }
    response
}

/// Values are ours and can be sent.
fn set(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// The words of a header that is a list, however often it is sent.
fn words(request: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    request
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

fn has_already(request: &HeaderMap, tag: &str) -> bool {
    let bare = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    words(request, header::IF_NONE_MATCH).any(|word| word == "*" || bare(word) == bare(tag))
}

/// What is said of gzip itself counts more than what is said of anything (`*`).
fn accepts_gzip(request: &HeaderMap) -> bool {
    let said = |coding| accepts(request, coding);
    said("gzip").or_else(|| said("*")).unwrap_or(false)
}

/// Whether the client takes this coding, if it says so.
fn accepts(request: &HeaderMap, wanted: &str) -> Option<bool> {
    words(request, header::ACCEPT_ENCODING).find_map(|word| {
        let mut parts = word.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case(wanted) {
            return None;
        }
        let quality = parts.find_map(|part| part.strip_prefix("q="));
        Some(quality.is_none_or(|q| q.parse::<f32>().is_ok_and(|q| q > 0.0)))
    })
}

#[cfg(test)]
mod tests;
