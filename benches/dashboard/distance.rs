//! A proxy that is far away: every byte takes half of the round trip's time, in either direction.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The address of a proxy before `server`, such as `127.0.0.1:8080`. Its threads end with the program.
pub(super) fn before(server: &str, round_trip: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = listener.local_addr().expect("it is bound");
    let server = server.to_owned();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(&server) else { continue };
            for socket in [&client, &server] {
                socket.set_nodelay(true).expect("it is a socket of TCP");
            }
            let twin = |socket: &TcpStream| socket.try_clone().expect("there are descriptors");
            carry(twin(&client), twin(&server), round_trip / 2);
            carry(server, client, round_trip / 2);
        }
    });
    address.to_string()
}

/// Carries bytes one way.
fn carry(mut from: TcpStream, to: TcpStream, delay: Duration) {
    let (sender, parts) = channel();
    thread::spawn(move || {
        let mut part = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut part) {
            if sender.send((Instant::now() + delay, part[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || deliver(&parts, to));
}

fn deliver(parts: &Receiver<(Instant, Vec<u8>)>, mut to: TcpStream) {
    for (due, part) in parts {
        #[expect(clippy::disallowed_methods, reason = "a thread that only waits")]
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&part).is_err() {
            break;
        }
    }
    // The other end may be gone already.
    let _ = to.shutdown(Shutdown::Write);
}
