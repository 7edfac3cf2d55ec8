//! Who is let in: one page, opened by its secret address on this machine.
//!
//! Other pages in the same browser can send requests to any address on loopback, and a name that its owner lets point to
//! 127.0.0.1 makes such a request look like one to their own site. So every request must name this very address as its
//! host, and what acts must come from a page of it. Whatever is wrong, the answer is the same.

use std::net::SocketAddr;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The size of a token in bytes: nobody guesses it.
const TOKEN_BYTES: usize = 24;

/// What an admitted request is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// The page itself.
    Page,
    /// A request of the page's script.
    Ask,
}

/// Decides about requests to one address.
#[derive(Clone, Debug)]
pub(super) struct Door {
    /// `127.0.0.1:PORT`
    host: String,
    /// `http://127.0.0.1:PORT`
    origin: String,
    token: String,
}

impl Door {
    /// A door with a new token.
    pub(super) fn new(address: SocketAddr) -> Result<Door, getrandom::Error> {
        let mut token = [0; TOKEN_BYTES];
        getrandom::fill(&mut token)?;
        let host = address.to_string();
        Ok(Door { origin: format!("http://{host}"), host, token: URL_SAFE_NO_PAD.encode(token) })
    }

    /// The address of the page. Whoever knows it is let in.
    pub(super) fn url(&self) -> String {
        format!("{}/{}/", self.origin, self.token)
    }

    /// What the request is for, or `None` if it is refused.
    pub(super) fn admits(&self, head: &Parts) -> Option<Purpose> {
        let is_to_us = only(&head.headers, header::HOST) == Some(self.host.as_bytes())
            && head.uri.authority().is_none_or(|authority| authority.as_str() == self.host);
        let (token, rest) = head.uri.path().strip_prefix('/')?.split_once('/')?;
        if !is_to_us || !same(token, &self.token) || head.uri.query().is_some() {
            return None;
        }
        let origin = head.headers.contains_key(header::ORIGIN).then(|| only(&head.headers, header::ORIGIN));
        let is_ours = origin.map(|origin| origin == Some(self.origin.as_bytes()));
        match (&head.method, rest) {
            // A browser that opens an address names no origin. What is to become a document is no frame and no script
            // of another page.
            (&Method::GET, "")
                if is_ours != Some(false) && is_or_none(&head.headers, "sec-fetch-dest", b"document") =>
            {
                Some(Purpose::Page)
            }
            (&Method::POST, "ask")
                if is_ours == Some(true)
                    && only(&head.headers, header::CONTENT_TYPE) == Some(b"application/json")
                    && is_or_none(&head.headers, "sec-fetch-site", b"same-origin") =>
            {
                Some(Purpose::Ask)
            }
            _ => None,
        }
    }
}

/// The value of a header that must be there once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&[u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then_some(value.as_bytes())
}

/// Whether a header that not every browser sends has this value where it is sent.
fn is_or_none(headers: &HeaderMap, name: &'static str, value: &[u8]) -> bool {
    let name = HeaderName::from_static(name);
    !headers.contains_key(&name) || only(headers, name) == Some(value)
}

/// Whether two texts are equal. How long the answer takes says nothing about either.
fn same(one: &str, other: &str) -> bool {
    Sha256::digest(one) == Sha256::digest(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    use axum::http::Request;

    const ADDRESS: &str = "127.0.0.1:41234";
    const ORIGIN: (&str, &str) = ("origin", "http://127.0.0.1:41234");
    const HOST: (&str, &str) = ("host", ADDRESS);
    const JSON: (&str, &str) = ("content-type", "application/json");

    fn door() -> Door {
        Door::new(ADDRESS.parse().unwrap()).unwrap()
    }

    fn admitted(door: &Door, method: &str, uri: &str, headers: &[(&str, &str)]) -> Option<Purpose> {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        door.admits(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn the_page_opens_by_its_address_and_its_script_may_ask() {
        let door = door();
        let path = door.url().strip_prefix("http://127.0.0.1:41234").unwrap().to_owned();
        assert_eq!(path.len(), TOKEN_BYTES.div_ceil(3) * 4 + 2);
        assert_eq!(admitted(&door, "GET", &path, &[HOST]), Some(Purpose::Page));
        assert_eq!(admitted(&door, "GET", &door.url(), &[HOST, ORIGIN]), Some(Purpose::Page));
        let ask = format!("{path}ask");
        assert_eq!(admitted(&door, "POST", &ask, &[HOST, ORIGIN, JSON]), Some(Purpose::Ask));
        let browser = ("sec-fetch-site", "same-origin");
        assert_eq!(admitted(&door, "POST", &ask, &[HOST, ORIGIN, JSON, browser]), Some(Purpose::Ask));
    }

    #[test]
    fn a_wrong_token_host_or_origin_is_refused() {
        let door = door();
        let page = format!("/{}/", door.token);
        let ask = format!("{page}ask");
        let other = format!("/{}/", "A".repeat(door.token.len()));
        let foreign = format!("http://evil.example{page}");
        let pages: &[(&str, &[(&str, &str)])] = &[
            ("/", &[HOST]),
            ("//", &[HOST]),
            (other.as_str(), &[HOST]),
            (&page[..page.len() - 1], &[HOST]),
            (foreign.as_str(), &[HOST]),
            (page.as_str(), &[]),
            (page.as_str(), &[("host", "localhost:41234")]),
            (page.as_str(), &[("host", "127.0.0.1")]),
            (page.as_str(), &[("host", "evil.example:41234")]),
            (page.as_str(), &[HOST, HOST]),
            (page.as_str(), &[HOST, ("host", "evil.example")]),
            (page.as_str(), &[HOST, ("origin", "null")]),
            (page.as_str(), &[HOST, ORIGIN, ORIGIN]),
            (page.as_str(), &[HOST, ("sec-fetch-dest", "iframe")]),
            (page.as_str(), &[HOST, ("sec-fetch-dest", "script")]),
        ];
        for (uri, headers) in pages {
            assert_eq!(admitted(&door, "GET", uri, headers), None, "GET {uri} {headers:?}");
        }
        let query = format!("{page}?x=1");
        assert_eq!(admitted(&door, "GET", &query, &[HOST]), None);
        let asks: &[&[(&str, &str)]] = &[
            &[HOST, JSON],
            &[ORIGIN, JSON],
            &[HOST, ORIGIN],
            &[HOST, ("origin", "http://evil.example"), JSON],
            &[HOST, ("origin", "https://127.0.0.1:41234"), JSON],
            &[HOST, ("origin", "http://127.0.0.1:41235"), JSON],
            &[HOST, ("origin", "null"), JSON],
            &[HOST, ORIGIN, ("origin", "http://evil.example"), JSON],
            &[HOST, ORIGIN, ("content-type", "text/plain")],
            &[HOST, ORIGIN, JSON, ("sec-fetch-site", "cross-site")],
            &[("host", "evil.example:41234"), ("origin", "http://evil.example:41234"), JSON],
        ];
        for headers in asks {
            assert_eq!(admitted(&door, "POST", &ask, headers), None, "POST {headers:?}");
        }
        for method in ["GET", "PUT", "OPTIONS", "HEAD", "DELETE", "CONNECT"] {
            assert_eq!(admitted(&door, method, &ask, &[HOST, ORIGIN, JSON]), None, "{method}");
        }
        assert_eq!(admitted(&door, "POST", &page, &[HOST, ORIGIN, JSON]), None);
    }

    #[test]
    fn every_door_has_a_token_of_its_own() {
        assert_ne!(door().url(), door().url());
    }
}
