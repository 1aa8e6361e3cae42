//! Who asks: a visitor with a session, or one without.

use std::future::{Ready, ready};

use actix_web::cookie::Cookie;
use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

use crate::web::error::Error;
use crate::web::request;
use crate::session::{Session, Sessions};

/// A visitor, and the way to give a session to him.
pub(crate) struct Visitor {
    sessions: Data<Sessions>,
    is_secure: bool,
    /// What stores know him by, if he has a session.
    pub(crate) name: Option<String>,
}

impl Visitor {
    /// The cookie of a session, for this visitor's connection.
    pub(crate) fn cookie(&self, session: &Session) -> Cookie<'static> {
        self.sessions.cookie(session, self.is_secure)
    }

    /// The cookie that removes his session's.
    pub(crate) fn removal(&self) -> Cookie<'static> {
        self.sessions.removal(self.is_secure)
    }
}

impl FromRequest for Visitor {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let sessions = request.app_data::<Data<Sessions>>().expect("every app has them").clone();
        let is_secure = request::is_secure(request);
        let session = sessions.read(request.headers(), is_secure);
        ready(Ok(Self { sessions, is_secure, name: session.map(|session| session.name()) }))
    }
}
