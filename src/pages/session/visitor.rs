//! The visitor of a request, with a session or without.

use std::future::{Ready, ready};

use actix_web::cookie::Cookie;
use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

use crate::web::app::App;
use crate::web::cookie::Session;
use crate::web::error::Error;
use crate::web::request;

/// A visitor, and the way to give and remove a session.
pub(crate) struct Visitor {
    app: Data<App>,
    is_secure: bool,
    /// What stores know the visitor by, if there is a session.
    pub(crate) name: Option<String>,
}

impl Visitor {
    /// The cookie of a session, for this visitor's connection.
    pub(crate) fn cookie(&self, session: &Session) -> Cookie<'static> {
        self.app.sessions.cookie(session, self.is_secure)
    }

    /// The cookie that removes the session's.
    pub(crate) fn removal(&self) -> Cookie<'static> {
        self.app.sessions.removal(self.is_secure)
    }
}

impl FromRequest for Visitor {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let app = App::of(request).clone();
        let is_secure = request::is_secure(request);
        let session = app.sessions.read(request.headers(), is_secure);
        ready(Ok(Self { app, is_secure, name: session.map(|session| session.name()) }))
    }
}
