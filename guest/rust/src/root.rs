//! Servers (spec 2.12): the parent tells of requests in the ROM module "session_requests"; what a component announces
//! answers them with sessions of its service. One service a component.
use crate::abi::{parent, Error};
use crate::env::{env, Rom};
use crate::message::Text;
use crate::rpc::{dissolve, manage, Object};
use crate::signal::handler_context;

pub const MAX_SESSIONS: usize = 48;

/// Answers to requests, as the parent has them.
#[derive(Clone, Copy)]
pub enum Response {
    Ok = 0,
    Closed = 1,
    Denied = 2,
    InsufficientRam = 3,
    InsufficientCaps = 4,
}

pub trait Service: Sync {
    /// The session's object, or why there is none. `args` as the client gave them, with `ram_quota` and `cap_quota` as donated.
    fn create(&self, label: &str, args: &str) -> Result<&'static dyn Object, Response>;
    fn upgrade(&self, _session: &'static dyn Object, _ram: u64, _caps: u32) {}
    /// The session was dissolved from the entrypoint already.
    fn destroy(&self, session: &'static dyn Object);
}

#[derive(Clone, Copy)]
struct Entry {
    id: u32,
    slot: u32,
    object: &'static dyn Object,
}

struct Root {
    name: &'static str,
    service: &'static dyn Service,
    requests: Rom,
    sessions: [Option<Entry>; MAX_SESSIONS],
}

/// Of the entrypoint's thread alone.
static mut ROOT: Option<Root> = None;

/// Answers what is waiting already, and tells the parent that the service exists. On the entrypoint, once.
pub fn announce(name: &'static str, service: &'static dyn Service) -> Result<(), Error> {
    let requests = Rom::open("session_requests")?;
    requests.sigh(handler_context(|_| handle())?);
    unsafe { ROOT = Some(Root { name, service, requests, sessions: [None; MAX_SESSIONS] }) };
    parent::announce(env().parent, name)?;
    handle();
    Ok(())
}

/// The number behind `key=` in session arguments, outside of quotes.
pub fn arg_value(args: &str, key: &str) -> Option<u64> {
    let bytes = args.as_bytes();
    let (mut quoted, mut begins) = (false, true);
    for at in 0..bytes.len() {
        if begins && !quoted {
            if let Some(value) = args.get(at..).and_then(|rest| rest.strip_prefix(key)?.strip_prefix('=')) {
                return number(value);
            }
        }
        if bytes[at] == b'"' && (at == 0 || bytes[at - 1] != b'\\') {
            quoted = !quoted;
        }
        begins = matches!(bytes[at], b',' | b' ');
    }
    None
}

fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..digits].parse().ok()
}

fn handle() {
    if let Some(root) = unsafe { ROOT.as_mut() } {
        root.requests.update();
        root.answer();
    }
}

impl Root {
    fn answer(&mut self) {
        let mut at = 0;
        // nothing is kept of the text while a request is answered: the module stays attached until the next update
        while let Some(tag) = next_tag(self.requests.text(), &mut at) {
            let id = attribute(tag, "id").as_str().parse().unwrap_or(u32::MAX);
            if tag.starts_with("create ") && attribute(tag, "service").as_str() == self.name {
                let label = attribute(tag, "label");
                let args = args_behind(self.requests.text(), at);
                self.create(id, label.as_str(), args.as_str());
            } else if tag.starts_with("upgrade ") {
                let more = |key| attribute(tag, key).as_str().parse().unwrap_or(0);
                let (ram, caps) = (more("ram_quota"), more("cap_quota") as u32);
                self.upgrade(id, ram, caps);
            } else if tag.starts_with("close ") {
                self.close(id);
            }
        }
    }
    fn find(&self, id: u32) -> Option<Entry> {
        self.sessions.iter().flatten().find(|entry| entry.id == id).copied()
    }
    fn create(&mut self, id: u32, label: &str, args: &str) {
        if self.find(id).is_some() {
            return;
        }
        match self.open(label, args) {
            Ok((slot, object)) => {
                let free = self.sessions.iter_mut().find(|entry| entry.is_none());
                free.map(|entry| *entry = Some(Entry { id, slot, object }));
                let _ = parent::deliver_session_cap(env().parent, id, slot);
            }
            Err(response) => respond(id, response),
        }
    }
    fn open(&mut self, label: &str, args: &str) -> Result<(u32, &'static dyn Object), Response> {
        if self.sessions.iter().all(|entry| entry.is_some()) {
            return Err(Response::Denied);
        }
        let object = self.service.create(label, args)?;
        match manage(object) {
            Ok(slot) => Ok((slot, object)),
            Err(_) => {
                self.service.destroy(object);
                Err(Response::Denied)
            }
        }
    }
    fn upgrade(&mut self, id: u32, ram: u64, caps: u32) {
        if let Some(entry) = self.find(id) {
            self.service.upgrade(entry.object, ram, caps);
            respond(id, Response::Ok);
        }
    }
    fn close(&mut self, id: u32) {
        if let Some(entry) = self.find(id) {
            for each in self.sessions.iter_mut() {
                if matches!(each, Some(other) if other.id == id) {
                    *each = None;
                }
            }
            dissolve(entry.slot);
            self.service.destroy(entry.object);
        }
        respond(id, Response::Closed);
    }
}

fn respond(id: u32, response: Response) {
    let _ = parent::session_response(env().parent, id, response as u32);
}

/// The text between the next `<` and its `>`; `at` is behind it then.
fn next_tag<'a>(text: &'a str, at: &mut usize) -> Option<&'a str> {
    let begin = *at + text[*at..].find('<')? + 1;
    let end = begin + text[begin..].find('>')?;
    *at = end + 1;
    Some(&text[begin..end])
}

/// The content of the element `args` that follows.
fn args_behind(text: &str, at: usize) -> Text {
    let rest = &text[at..];
    match (rest.find("<args>"), rest.find("</args>")) {
        (Some(begin), Some(end)) if begin < end => decoded(&rest[begin + 6..end]),
        _ => Text::new(),
    }
}

/// The value of an attribute within the text of a tag; empty if it is absent.
fn attribute(tag: &str, name: &str) -> Text {
    let value = tag.match_indices(name).find_map(|(at, _)| {
        let before = at > 0 && tag.as_bytes()[at - 1] == b' ';
        let value = tag[at + name.len()..].strip_prefix("=\"")?;
        before.then(|| value.split('"').next().unwrap_or(""))
    });
    decoded(value.unwrap_or(""))
}

/// With the five entities of XML as characters; cut at 256 bytes.
fn decoded(text: &str) -> Text {
    const ENTITIES: [(&str, &[u8]); 5] =
        [("&lt;", b"<"), ("&gt;", b">"), ("&quot;", b"\""), ("&apos;", b"'"), ("&amp;", b"&")];
    let mut result = Text::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        result.push(rest[..at].as_bytes());
        rest = &rest[at..];
        let (name, bytes) = ENTITIES.into_iter().find(|(name, _)| rest.starts_with(name)).unwrap_or(("&", b"&"));
        result.push(bytes);
        rest = &rest[name.len()..];
    }
    result.push(rest.as_bytes());
    result
}
