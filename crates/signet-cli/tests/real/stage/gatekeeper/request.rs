//! Requests of every shape pass as they are.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use super::ProtectedSite;
use crate::stage::echo::Heard;
use crate::stage::http::Request;

impl ProtectedSite {
    pub(crate) fn check_that_methods_and_bodies_pass(&self, bob: &str) {
        let head = self.send(&Request::page("/a").with_method("HEAD").cookie(bob));
        assert_eq!((head.status, head.body.len()), (200, 0));
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let request = Request::new(method, "/a?b=c").cookie(bob);
            let heard = Heard::from(&self.send(&request.body("dear site".as_bytes())));
            let expected = (method, "/a?b=c", "dear site");
            assert_eq!((heard.method(), heard.target(), heard.body()), expected);
        }
        let large = "0123456789".repeat(50_000);
        let request = Request::new("POST", "/a").cookie(bob);
        let heard = Heard::from(&self.send(&request.body(large.as_bytes())));
        assert!(heard.body() == large, "{} bytes came", heard.body().len());
        let chunked = Request::new("POST", "/a")
            .cookie(bob)
            .header("Transfer-Encoding", "chunked");
        let chunked = chunked.raw_body(b"4\r\ndear\r\n5\r\n site\r\n0\r\n\r\n");
        assert_eq!(Heard::from(&self.send(&chunked)).body(), "dear site");
        // S9, and a body that nobody reads does no harm.
        let request = Request::new("POST", "/a").body(&[b'x'; 10_000]);
        assert_eq!(self.send_in_vain(&request).status, 401);
    }

    /// A WebSocket is opened by those who may, and by nobody else.
    pub(crate) fn check_that_upgrades_pass(&self, bob: &str) {
        let upgrade = |cookie: &str| {
            let request = format!(
                "GET /socket HTTP/1.1\r\nHost: localhost:{}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nCookie: {cookie}\r\n\r\n",
                self.port
            );
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(30)))
                .unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                head.push(byte[0]);
            }
            (stream, String::from_utf8(head).unwrap())
        };
        let (mut stream, head) = upgrade(bob);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        stream.write_all(b"hello").unwrap();
        let mut heard = [0; 5];
        stream.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hello");

        let before = self.app.asked();
        let (_, head) = upgrade("a=b");
        assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
        assert_eq!(self.app.asked(), before);
    }
}
