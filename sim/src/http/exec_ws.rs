//! `exec` over a WebSocket.
//!
//! The connection is upgraded; each binary message starts with the number of its channel: 0 standard input,
//! 1 standard output, 2 standard error, 3 the `Status` at the end, 255 (version 5 only, from the client) the closing of a
//! channel. Version 5 and 4 of the subprotocol are spoken, no other and no SPDY.
//!
//! What the process says is decided by the server's script ([`ApiServer::exec`]) at once, then told after its
//! delay on the server's clock. Standard input, where the client has one and no terminal, is read to its end first.
//!
//! # Differences
//!
//! A terminal is not emulated: with `tty` the process runs without input. Resizing is ignored.

use base64::Engine as _;
use bytes::{BufMut as _, Bytes, BytesMut};
use futures::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, request};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};

use super::route::Query;
use super::stream::Body;
use crate::exec::{ExecOptions, Process};
use crate::process::container;
use crate::{ApiServer, Object, ResourceDef, Status, Target, webhook};

/// The subprotocols, best first.
const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
/// Version 5: the next byte names the channel that the client ends. Clients do not understand it from a server.
const CLOSE: u8 = 255;

/// Standard input beyond this is refused: it is held in memory until the process runs.
const STDIN_LENGTH_MAX: usize = 1 << 20;

/// Output of one message, as a real server's buffers make it.
const MESSAGE_LENGTH: usize = 32 * 1024;

/// The length of the random key of a handshake.
const KEY_LENGTH: usize = 16;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Answers the upgrade and lets the process run behind it.
pub(super) fn answer(
    server: &ApiServer,
    pod: &Object,
    query: &Query,
    parts: &mut request::Parts,
) -> Result<Response<Body>, Status> {
    let container = container(pod, query.get("container"))?;
    let handshake = Handshake::read(&parts.headers)?;
    let Some(upgrade) = parts.extensions.remove::<OnUpgrade>() else {
        return Err(Status::bad_request(
            "exec upgrades its connection, and this request came without one: use the duplex connector or a socket",
        ));
    };
    let flag = |name| query.flag(name).unwrap_or_default();
    let terminal = flag("tty");
    let session = Session {
        server: server.clone(),
        namespace: pod.namespace().unwrap_or_default().to_owned(),
        pod: pod.name().to_owned(),
        options: ExecOptions {
            container: Some(container),
            command: query.all("command").map(str::to_owned).collect(),
            stdin: Bytes::new(),
        },
        stdin: flag("stdin") && !terminal,
        stdout: flag("stdout"),
        // A terminal has one stream only.
        stderr: flag("stderr") && !terminal,
    };
    if session.options.command.is_empty() {
        return Err(Status::bad_request("you must specify at least 1 command for the container"));
    }
    let response = handshake.response();
    tokio::spawn(async move {
        // Both errors say that the client is gone: nobody is left to hear of it.
        if let Ok(upgraded) = upgrade.await {
            session.run(TokioIo::new(upgraded)).await.ok();
        }
    });
    Ok(response)
}

/// Asks the webhooks whether the connection may be made. What they warn of is lost: an upgrade has no body to read it beside.
pub(super) fn reviewed(server: &ApiServer, def: &ResourceDef, target: &Target, query: &Query) -> Result<(), Status> {
    let command: Vec<_> = query.all("command").collect();
    let mut options = json!({"kind": "PodExecOptions", "apiVersion": "v1", "command": command});
    for flag in ["stdin", "stdout", "stderr", "tty"] {
        if query.flag(flag).unwrap_or_default() {
            options[flag] = Value::Bool(true);
        }
    }
    if let Some(container) = query.non_empty("container") {
        options["container"] = Value::from(container);
    }
    let request = webhook::Request::connection(def, target);
    server.transaction(|core| core.review(&request, Some(&options), None, &mut Vec::new()))
}

/// The client's part of the upgrade.
struct Handshake {
    accept: HeaderValue,
    protocol: &'static str,
}

impl Handshake {
    fn read(headers: &HeaderMap) -> Result<Self, Status> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !text(header::UPGRADE).eq_ignore_ascii_case("websocket") {
            return Err(Status::bad_request(format!(
                "unable to upgrade: exec is served over WebSocket only ({})",
                PROTOCOLS.join(", ")
            )));
        }
        let offered: Vec<&str> = headers
            .get_all(header::SEC_WEBSOCKET_PROTOCOL)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect();
        let Some(protocol) = PROTOCOLS.into_iter().find(|protocol| offered.contains(protocol)) else {
            return Err(Status::bad_request(format!(
                "unable to upgrade: none of the subprotocols {offered:?} is supported, only {}",
                PROTOCOLS.join(", ")
            )));
        };
        let key = text(header::SEC_WEBSOCKET_KEY);
        let decoded = base64::engine::general_purpose::STANDARD.decode(key);
        if text(header::SEC_WEBSOCKET_VERSION) != "13" || decoded.map(|key| key.len()) != Ok(KEY_LENGTH) {
            return Err(Status::bad_request("unable to upgrade: not a WebSocket handshake of version 13"));
        }
        let accept =
            HeaderValue::from_str(&derive_accept_key(key.as_bytes())).expect("base64 is text that a header may hold");
        Ok(Self { accept, protocol })
    }

    fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::full(Bytes::new()));
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(self.protocol));
        response
    }
}

/// One process and the client that listens to it.
struct Session {
    server: ApiServer,
    namespace: String,
    pod: String,
    options: ExecOptions,
    stdin: bool,
    stdout: bool,
    stderr: bool,
}

impl Session {
    async fn run(mut self, io: TokioIo<Upgraded>) -> Result<(), tungstenite::Error> {
        let config = WebSocketConfig::default().max_message_size(Some(STDIN_LENGTH_MAX));
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        let outcome = if self.read_stdin(&mut socket).await? {
            self.server.exec(&self.namespace, &self.pod, &self.options)
        } else {
            Err(Status::new(
                413,
                "RequestEntityTooLarge",
                format!("standard input is longer than {STDIN_LENGTH_MAX} bytes"),
            ))
        };
        let status = match outcome {
            Ok(process) => {
                self.server.clock().sleep(process.delay).await;
                self.send_output(&mut socket, &process).await?;
                ended(process.exit_code)
            }
            Err(status) => status.to_value(),
        };
        socket.send(message(STATUS, status.to_string().as_bytes())).await?;
        // Clients take a close without this code for a broken connection.
        let normal = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        socket.close(Some(normal)).await?;
        // Until the client has answered the close: it may not have read everything yet.
        while let Some(Ok(_)) = socket.next().await {}
        Ok(())
    }

    /// Reads to the end of the standard input; false where it is too long.
    async fn read_stdin(&mut self, socket: &mut Socket) -> Result<bool, tungstenite::Error> {
        if !self.stdin {
            return Ok(true);
        }
        let mut read = BytesMut::new();
        while let Some(received) = socket.next().await {
            match received? {
                Message::Binary(bytes) => match bytes.as_ref() {
                    [STDIN, text @ ..] if read.len() + text.len() > STDIN_LENGTH_MAX => return Ok(false),
                    [STDIN, text @ ..] => read.extend_from_slice(text),
                    [CLOSE, STDIN] => break,
                    _ => {}
                },
                Message::Close(_) => break,
                _ => {}
            }
        }
        self.options.stdin = read.freeze();
        Ok(true)
    }

    async fn send_output(&self, socket: &mut Socket, process: &Process) -> Result<(), tungstenite::Error> {
        for (channel, wanted, output) in
            [(STDOUT, self.stdout, &process.stdout), (STDERR, self.stderr, &process.stderr)]
        {
            if !wanted {
                continue;
            }
            for chunk in output.chunks(MESSAGE_LENGTH) {
                socket.send(message(channel, chunk)).await?;
            }
        }
        Ok(())
    }
}

fn message(channel: u8, bytes: &[u8]) -> Message {
    let mut message = BytesMut::with_capacity(bytes.len() + 1);
    message.put_u8(channel);
    message.put_slice(bytes);
    Message::Binary(message.freeze())
}

/// The last word on a process.
fn ended(exit_code: i32) -> Value {
    if exit_code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    json!({
        "metadata": {},
        "status": "Failure",
        "message": format!("command terminated with non-zero exit code: exit status {exit_code}"),
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": exit_code.to_string()}]},
    })
}
