//! A proxy that counts round trips: it holds back what the client sends until no more comes, then
//! passes all of it on at once. What follows from the answers is the next round trip.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The client has nothing more to send when it has sent nothing for this long.
const QUIET: Duration = Duration::from_secs(1);

/// The proxy; its threads end with the test.
pub(crate) struct RoundTrips {
    address: SocketAddr,
    held: Arc<Mutex<Held>>,
}

/// What the client has sent since the last round trip.
struct Held {
    parts: Vec<(TcpStream, Vec<u8>)>,
    last: Instant,
    passed: usize,
}

impl RoundTrips {
    /// Stands before a server.
    pub(crate) fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let held = Held { parts: Vec::new(), last: Instant::now(), passed: 0 };
        let held = Arc::new(Mutex::new(held));
        let (holding, passing) = (held.clone(), held.clone());
        thread::spawn(move || {
            for client in listener.incoming() {
                connect(client.unwrap(), TcpStream::connect(server).unwrap(), holding.clone());
            }
        });
        thread::spawn(move || {
            loop {
                thread::sleep(Duration::from_millis(10));
                passing.lock().unwrap().pass();
            }
        });
        Self { address, held }
    }

    /// The address of the proxy.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many round trips there were.
    pub(crate) fn passed(&self) -> usize {
        self.held.lock().unwrap().passed
    }
}

impl Held {
    fn pass(&mut self) {
        if !self.parts.is_empty() && self.last.elapsed() >= QUIET {
            self.passed += 1;
            for (mut server, part) in self.parts.drain(..) {
                // A server may close a connection, which then has no answer.
                let _ = server.write_all(&part);
            }
        }
    }
}

/// Holds back what the client sends; the answers go straight on.
fn connect(mut client: TcpStream, mut server: TcpStream, held: Arc<Mutex<Held>>) {
    let (mut answers, mut answered) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut answers, &mut answered);
        let _ = answered.shutdown(Shutdown::Both);
    });
    thread::spawn(move || {
        let mut part = vec![0; 1 << 16];
        while let Ok(length @ 1..) = client.read(&mut part) {
            let mut held = held.lock().unwrap();
            held.parts.push((server.try_clone().unwrap(), part[..length].to_vec()));
            held.last = Instant::now();
        }
        let _ = server.flush();
        let _ = server.shutdown(Shutdown::Both);
    });
}
