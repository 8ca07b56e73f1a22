//! A syslog receiver, by datagram or by stream.
//!
//! No receiver says what it has taken. A stream that broke may have lost what lay in buffers on the way, so the last messages before
//! the break are sent once more on the next one.

use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fiducia_wire::siem::{octet_counted, syslog_message};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::{Line, SyslogSettings, SyslogTransport};
use crate::tls;

/// Within which a connection is made, and a piece is taken.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest datagram: what UDP over IPv4 carries.
const DATAGRAM_BYTES_MAX: usize = 65_507;

/// A syslog receiver.
pub(super) struct SyslogTarget {
    settings: SyslogSettings,
    tls: Option<Arc<ClientConfig>>,
    connection: Option<Connection>,
    /// What was sent last on a stream.
    last: Vec<u8>,
}

enum Connection {
    Udp(UdpSocket),
    Unix(UnixDatagram),
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl SyslogTarget {
    /// # Errors
    /// When the authorities of a receiver cannot be read, as text.
    pub(super) fn new(settings: SyslogSettings) -> Result<Self, String> {
        let tls = match &settings.transport {
            SyslogTransport::Tls { ca_file, .. } => {
                let mut roots = tls::native_roots();
                if let Some(path) = ca_file {
                    tls::add_authorities(&mut roots, path)?;
                }
                Some(Arc::new(tls::client(roots)?))
            }
            _ => None,
        };
        Ok(Self { settings, tls, connection: None, last: Vec::new() })
    }

    /// Sends lines. After an error some may have been taken, and all are sent again.
    pub(super) fn write(&mut self, lines: &[Line]) -> io::Result<()> {
        let SyslogSettings { facility, host, .. } = &self.settings;
        let messages: Vec<String> = lines
            .iter()
            .map(|line| syslog_message(*facility, host, line.at, &line.kind, &line.text))
            .collect();
        let connection = self.connection.take();
        let connection = connection.and_then(|mut connection| connection.is_alive().then_some(connection));
        let is_new = connection.is_none();
        let mut connection = match connection {
            Some(connection) => connection,
            None => self.connect()?,
        };
        match &mut connection {
            Connection::Udp(socket) => datagrams(&messages, |bytes| socket.send(bytes))?,
            Connection::Unix(socket) => datagrams(&messages, |bytes| socket.send(bytes))?,
            Connection::Tcp(stream) => self.stream(stream, is_new, &messages)?,
            Connection::Tls(stream) => self.stream(stream.as_mut(), is_new, &messages)?,
        }
        self.connection = Some(connection);
        Ok(())
    }

    fn stream(&mut self, stream: &mut impl Write, is_new: bool, messages: &[String]) -> io::Result<()> {
        if is_new && !self.last.is_empty() {
            stream.write_all(&self.last)?;
        }
        let bytes: Vec<u8> = messages.iter().flat_map(|message| octet_counted(message)).collect();
        stream.write_all(&bytes)?;
        stream.flush()?;
        self.last = bytes;
        Ok(())
    }

    fn connect(&self) -> io::Result<Connection> {
        match &self.settings.transport {
            SyslogTransport::Udp(address) => udp(address).map(Connection::Udp),
            SyslogTransport::Unix(path) => unix(path).map(Connection::Unix),
            SyslogTransport::Tcp(address) => tcp(address).map(Connection::Tcp),
            SyslogTransport::Tls { address, .. } => {
                let config = self.tls.clone().ok_or_else(|| io::Error::other("TLS was not set up"))?;
                let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
                let host = host.trim_start_matches('[').trim_end_matches(']');
                let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
                let client = ClientConnection::new(config, name).map_err(io::Error::other)?;
                let mut stream = StreamOwned::new(client, tcp(address)?);
                while stream.conn.is_handshaking() {
                    stream.conn.complete_io(&mut stream.sock)?;
                }
                Ok(Connection::Tls(Box::new(stream)))
            }
        }
    }
}

impl Connection {
    /// Whether the other side has not ended it. Datagrams know no other side.
    fn is_alive(&mut self) -> bool {
        match self {
            Self::Udp(_) | Self::Unix(_) => true,
            Self::Tcp(stream) => {
                without_waiting(stream, |stream| stream.peek(&mut [0; 1]).map(|bytes| bytes > 0))
            }
            Self::Tls(stream) => {
                let StreamOwned { conn, sock } = stream.as_mut();
                without_waiting(sock, |mut sock| {
                    // Tickets and the like are taken, a farewell is heard.
                    loop {
                        let is_open = conn.read_tls(&mut sock)? > 0;
                        let state = conn.process_new_packets().map_err(io::Error::other)?;
                        if !is_open || state.peer_has_closed() {
                            return Ok(false);
                        }
                    }
                })
            }
        }
    }
}

/// Looks at a socket without waiting for it. What would have to wait is open.
fn without_waiting(socket: &TcpStream, look: impl FnOnce(&TcpStream) -> io::Result<bool>) -> bool {
    if socket.set_nonblocking(true).is_err() {
        return false;
    }
    let is_open = match look(socket) {
        Ok(is_open) => is_open,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    };
    socket.set_nonblocking(false).is_ok() && is_open
}

/// Sends each message as a datagram of its own. One that no datagram holds is said in the log and left out: nothing else would ever
/// get past it.
fn datagrams(messages: &[String], mut send: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<()> {
    for message in messages {
        if message.len() > DATAGRAM_BYTES_MAX {
            tracing::error!(
                bytes = message.len(),
                "an activity is longer than a datagram and was not sent; a stream would carry it"
            );
            continue;
        }
        send(message.as_bytes())?;
    }
    Ok(())
}

fn addresses(address: &str) -> io::Result<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> = address.to_socket_addrs()?.collect();
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name stands for no address"));
    }
    Ok(found)
}

fn udp(address: &str) -> io::Result<UdpSocket> {
    let receiver = addresses(address)?.into_iter().next();
    let receiver = receiver.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    let any: SocketAddr = if receiver.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(receiver)?;
    socket.set_write_timeout(Some(TIMEOUT))?;
    Ok(socket)
}

fn unix(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    socket.set_write_timeout(Some(TIMEOUT))?;
    Ok(socket)
}

fn tcp(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses(address)? {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(stream) => {
                stream.set_write_timeout(Some(TIMEOUT))?;
                stream.set_read_timeout(Some(TIMEOUT))?;
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
