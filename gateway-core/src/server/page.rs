//! The page a browser gets at `/`: our own UI, handed in by the program that carries it.
//!
//! Only what the build of the page names is served: the page itself, and its assets, whose names
//! change with what is in them. The page may load and reach nothing but this gateway.

use super::http::{Reply, text};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// The page, as the UI's build names it.
const PAGE: &str = "browser.html";
/// Where the build puts what the page loads.
const ASSETS: &str = "assets/";
/// What is said where the program carries no page.
const NOT_BUILT: &str = "This program was built without the page for browsers.\n\
    Build it with `make run`, or run `npm run build` in ui before cargo. The gateway itself runs.";

/// The files of the page, by their paths.
#[derive(Clone, Default)]
pub struct PageFiles {
    files: BTreeMap<String, Bytes>,
}

impl PageFiles {
    /// Takes the files of the UI's build; what is not the page's is left out. Without the page
    /// itself there is none.
    pub fn new<'a>(files: impl IntoIterator<Item = (Cow<'a, str>, Cow<'static, [u8]>)>) -> Self {
        let files: BTreeMap<String, Bytes> = files
            .into_iter()
            .filter(|(path, _)| path == PAGE || path.starts_with(ASSETS))
            .map(|(path, body)| {
                let body = match body {
                    Cow::Borrowed(body) => Bytes::from_static(body),
                    Cow::Owned(body) => Bytes::from(body),
                };
                (path.into_owned(), body)
            })
            .collect();
        if files.contains_key(PAGE) {
            Self { files }
        } else {
            Self::default()
        }
    }

    /// Returns whether there is no page.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

impl fmt::Debug for PageFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PageFiles({} files)", self.files.len())
    }
}

/// Answers a GET or HEAD for the page or one of its assets.
pub(super) fn answer(page: &PageFiles, path: &str, headers: &HeaderMap) -> Reply {
    if path == "/" {
        return match page.files.get(PAGE) {
            Some(body) => document(body, headers),
            None => text(StatusCode::NOT_FOUND, NOT_BUILT),
        };
    }
    let asset = path.strip_prefix('/').filter(|path| *path != PAGE);
    match asset.and_then(|path| page.files.get_key_value(path)) {
        // Its name changes with what is in it.
        Some((path, body)) => file(
            content_type(path),
            "public, max-age=31536000, immutable",
            body,
        ),
        None => text(StatusCode::NOT_FOUND, "nothing is served here"),
    }
}

fn document(body: &Bytes, headers: &HeaderMap) -> Reply {
    let mut reply = file("text/html; charset=utf-8", "no-store", body);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let policy = HeaderValue::from_str(&content_policy(host.unwrap_or_default()))
        .unwrap_or(HeaderValue::from_static("default-src 'none'"));
    reply.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    reply
}

/// Nothing inline, nothing from elsewhere, and no page around it. The socket is named because older
/// browsers do not count it as `'self'`; the Host field was screened before.
fn content_policy(host: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self' ws://{host} wss://{host}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

fn file(content_type: &'static str, caching: &'static str, body: &Bytes) -> Reply {
    let mut reply = Response::new(Full::new(body.clone()));
    let headers = reply.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, caching),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("json") => "application/json",
        Some(_) | None => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&'static str]) -> PageFiles {
        let file = |name: &&'static str| (Cow::Borrowed(*name), Cow::Borrowed(name.as_bytes()));
        PageFiles::new(names.iter().map(file))
    }

    #[test]
    fn only_the_page_and_its_assets_are_taken() {
        let page = files(&["browser.html", "index.html", "assets/a.js", "notes.txt"]);

        let kept: Vec<&String> = page.files.keys().collect();
        assert_eq!(kept, ["assets/a.js", "browser.html"]);
        assert!(files(&["index.html", "assets/a.js"]).is_empty());
    }

    #[test]
    fn without_a_page_the_root_says_what_to_do() {
        let reply = answer(&PageFiles::default(), "/", &HeaderMap::new());

        assert_eq!(reply.status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn paths_lead_nowhere_else() {
        let page = files(&["browser.html", "assets/a.js"]);
        let status = |path: &str| answer(&page, path, &HeaderMap::new()).status();

        assert_eq!(status("/"), StatusCode::OK);
        assert_eq!(status("/assets/a.js"), StatusCode::OK);
        for path in [
            "/browser.html",
            "//",
            "/assets",
            "/assets/",
            "/assets/../browser.html",
            "/assets/%61.js",
            "/./assets/a.js",
            "assets/a.js",
            "",
            "*",
        ] {
            assert_eq!(status(path), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn what_the_page_may_do_is_said_with_it() {
        let page = files(&["browser.html", "assets/a.js"]);
        let mut asked = HeaderMap::new();
        asked.insert(HOST, HeaderValue::from_static("127.0.0.1:18789"));
        let field = |path: &str, name: &str| {
            let reply = answer(&page, path, &asked);
            let value = reply.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };

        let policy = field("/", "content-security-policy").unwrap();
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "connect-src 'self' ws://127.0.0.1:18789 ",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(field("/", "cache-control").as_deref(), Some("no-store"));
        assert_eq!(
            field("/", "referrer-policy").as_deref(),
            Some("no-referrer")
        );
        let caching = field("/assets/a.js", "cache-control").unwrap();
        assert!(caching.contains("immutable"), "{caching}");
        let kind = field("/assets/a.js", "content-type").unwrap();
        assert!(kind.starts_with("text/javascript"), "{kind}");
        for path in ["/", "/assets/a.js"] {
            assert_eq!(
                field(path, "x-content-type-options").as_deref(),
                Some("nosniff")
            );
        }
    }
}
