//! A server on loopback, in a thread of its own. It knows nothing of a session: it hands on what it admits, and waits for
//! the answer.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::step::door::{Door, Purpose};

/// The most bytes of one request of the page.
pub(super) const BODY_BYTES_MAX: usize = 256 << 10;
/// How long a request may take to come in.
const BODY_TIME: Duration = Duration::from_secs(10);
/// The most requests that wait for an answer.
const WAITING_MAX: usize = 64;

/// What goes with every answer: no other page may read or frame it, and nobody keeps it.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// What an admitted request wants.
#[derive(Debug)]
pub(super) enum Wanted {
    /// The page.
    Page,
    /// An answer to this text.
    Answer(String),
}

/// A request that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) wanted: Wanted,
    reply: oneshot::Sender<String>,
}

impl Waiting {
    /// Answers. If whoever asked is gone, the answer goes nowhere.
    pub(super) fn answer(self, text: String) {
        let _ = self.reply.send(text);
    }
}

/// The running server. It ends when this is dropped.
pub(super) struct Server {
    url: String,
    waiting: Receiver<Waiting>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What requests are handled with.
#[derive(Clone)]
struct Hall {
    door: Arc<Door>,
    waiting: SyncSender<Waiting>,
}

impl Server {
    /// Listens on a port of loopback that the operating system chooses.
    pub(super) fn start() -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let door = Arc::new(Door::new(listener.local_addr()?).map_err(io::Error::other)?);
        let (sender, waiting) = sync_channel(WAITING_MAX);
        let (end, ended) = oneshot::channel();
        let url = door.url();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let hall = Hall { door, waiting: sender };
        let serve = move || serve(&runtime, listener, hall, ended);
        let thread = std::thread::Builder::new().name("server".into()).spawn(serve)?;
        Ok(Server { url, waiting, end: Some(end), thread: Some(thread) })
    }

    /// The address of the page.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The next request that waits, if one comes within this time. An error says that the server has ended.
    pub(super) fn next(&self, within: Duration) -> io::Result<Option<Waiting>> {
        match self.waiting.recv_timeout(within) {
            Ok(waiting) => Ok(Some(waiting)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("the server has ended")),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A thread that has ended needs no word.
        let _ = self.end.take().map(|end| end.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Serves until the other end of `ended` is used or dropped. Open connections are closed then.
fn serve(runtime: &Runtime, listener: TcpListener, hall: Hall, ended: oneshot::Receiver<()>) {
    runtime.block_on(async {
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
        let router = Router::new().fallback(handle).with_state(hall);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        let _ = ended.await;
        serving.abort();
    });
}

async fn handle(State(hall): State<Hall>, request: Request) -> Response {
    let mut response = answered(&hall, request).await.unwrap_or_else(IntoResponse::into_response);
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The answer, or the status that says why there is none.
async fn answered(hall: &Hall, request: Request) -> Result<Response, StatusCode> {
    let (head, body) = request.into_parts();
    let purpose = hall.door.admits(&head).ok_or(StatusCode::FORBIDDEN)?;
    let (wanted, kind) = match purpose {
        Purpose::Page => (Wanted::Page, "text/html; charset=utf-8"),
        Purpose::Ask => (Wanted::Answer(text(body).await?), "application/json"),
    };
    let (reply, answer) = oneshot::channel();
    hall.waiting.try_send(Waiting { wanted, reply }).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let answer = answer.await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(([(header::CONTENT_TYPE, kind)], answer).into_response())
}

async fn text(body: Body) -> Result<String, StatusCode> {
    let bytes = timeout(BODY_TIME, to_bytes(body, BODY_BYTES_MAX)).await;
    let bytes = bytes.map_err(|_| StatusCode::REQUEST_TIMEOUT)?.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    String::from_utf8(bytes.into()).map_err(|_| StatusCode::BAD_REQUEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::io::{Read, Write};
    use std::net::TcpStream;

    /// The parts of a page's address: `127.0.0.1:PORT`, and the path with its token.
    fn parts(url: &str) -> (&str, &str) {
        let rest = url.strip_prefix("http://").unwrap();
        rest.split_at(rest.find('/').unwrap())
    }

    /// What comes back for these bytes until the connection is closed.
    fn sent(url: &str, bytes: &str) -> String {
        let mut stream = TcpStream::connect(parts(url).0).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // The answer may come before everything is written.
        let _ = stream.write_all(bytes.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }

    fn page(url: &str) -> String {
        let (host, path) = parts(url);
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    }

    fn ask(url: &str, origin: &str, body: &str) -> String {
        let ((host, path), length) = (parts(url), body.len());
        let head =
            format!("POST {path}ask HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: close\r\n");
        format!("{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
    }

    /// Runs `f` with the address of a server that answers with what it was asked.
    fn with_server<T: Send>(f: impl FnOnce(&str) -> T + Send) -> T {
        let server = Server::start().unwrap();
        let url = server.url().to_owned();
        std::thread::scope(|scope| {
            let asking = scope.spawn(move || f(&url));
            while !asking.is_finished() {
                if let Some(waiting) = server.next(Duration::from_millis(10)).unwrap() {
                    let text = format!("{:?}", waiting.wanted);
                    waiting.answer(text);
                }
            }
            asking.join().unwrap()
        })
    }

    #[test]
    fn the_page_and_its_requests_are_answered() {
        let (page, answer) = with_server(|url| {
            let origin = url.rsplitn(3, '/').last().unwrap();
            (sent(url, &page(url)), sent(url, &ask(url, origin, "{\"do\":\"look\"}")))
        });
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("\r\n\r\nPage"), "{page}");
        assert!(page.contains("content-type: text/html; charset=utf-8\r\n"), "{page}");
        assert!(answer.ends_with("\r\n\r\nAnswer(\"{\\\"do\\\":\\\"look\\\"}\")"), "{answer}");
        for answer in [&page, &answer] {
            for (name, value) in HEADERS {
                assert!(answer.contains(&format!("{name}: {value}\r\n")), "{name} in {answer}");
            }
            assert!(!answer.to_lowercase().contains("access-control-"), "{answer}");
        }
    }

    #[test]
    fn every_refusal_is_the_same_and_nobody_may_read_it() {
        let refusals = with_server(|url| {
            let (host, path) = parts(url);
            let origin = format!("http://{host}");
            let good = ask(url, &origin, "{}");
            let other = |from: &str, to: &str| sent(url, &good.replacen(from, to, 1));
            [
                sent(url, &page(url).replacen(path, "/", 1)),
                sent(url, &page(url).replacen(path, "/favicon.ico", 1)),
                sent(url, &page(url).replacen(&format!("Host: {host}"), "Host: rebound.example", 1)),
                sent(
                    url,
                    &page(url).replacen(&format!("GET {path}"), &format!("GET http://evil.example{path}"), 1),
                ),
                sent(url, &page(url).replacen(&format!("Host: {host}\r\n"), "", 1)),
                other(&format!("Origin: {origin}\r\n"), ""),
                other(&format!("Origin: {origin}"), "Origin: http://evil.example"),
                other(&format!("Origin: {origin}"), "Origin: null"),
                other(&path[..10], "/AAAAAAAAA"),
                other("POST", "OPTIONS"),
                other("POST", "PUT"),
                other("application/json", "text/plain"),
            ]
        });
        let without_date = |answer: &str| {
            answer.lines().filter(|line| !line.starts_with("date: ")).map(str::to_owned).collect::<Vec<_>>()
        };
        for refusal in &refusals {
            assert!(refusal.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{refusal}");
            assert!(
                refusal.ends_with("\r\n\r\n") && !refusal.to_lowercase().contains("access-control-"),
                "{refusal}"
            );
            assert_eq!(without_date(refusal), without_date(&refusals[0]));
        }
    }

    #[test]
    fn a_request_has_a_bound() {
        let (fits, large) = with_server(|url| {
            let origin = url.rsplitn(3, '/').last().unwrap();
            let body = |length| ask(url, origin, &"x".repeat(length));
            (sent(url, &body(BODY_BYTES_MAX)), sent(url, &body(BODY_BYTES_MAX + 1)))
        });
        assert!(fits.starts_with("HTTP/1.1 200 "), "{}", &fits[..40]);
        assert!(large.starts_with("HTTP/1.1 413 "), "{large}");
    }

    #[test]
    fn a_server_that_is_dropped_listens_no_more() {
        let server = Server::start().unwrap();
        let address = parts(server.url()).0.to_owned();
        // One that stays open does not keep it.
        let _open = TcpStream::connect(&address).unwrap();
        drop(server);
        assert!(TcpStream::connect(&address).is_err());
    }
}
