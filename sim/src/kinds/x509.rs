//! Certificates and requests for them, as far as a server looks into them: blocks of PEM and the outer structure of what is inside.
//!
//! Complaints are those of Go's decoders.
//!
//! # Differences
//!
//! Signatures are not verified, and names, keys and extensions inside are not decoded.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// The largest length that may grow by another byte.
const LENGTH_MAX: usize = 1 << 23;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT: u8 = 0x06;
const ATTRIBUTES: u8 = 0xa0;

/// `2.5.4.10`: the name of an organization in a subject.
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];

/// What the identifiers of signatures that can be verified begin with: RSA, ECDSA with SHA-1 and SHA-2, Ed25519.
const SIGNATURES: [&[u8]; 4] = [
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01],
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01],
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03],
    &[0x2b, 0x65, 0x70],
];

/// A block of PEM.
pub(super) struct Block {
    kind: String,
    has_headers: bool,
    bytes: Vec<u8>,
}

/// The next block and what is behind it; what is no block is skipped.
fn block(text: &[u8]) -> Option<(Block, &[u8])> {
    let mut open: Option<(String, bool, Vec<u8>)> = None;
    let mut in_headers = true;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |place| place + 1);
        let (line, behind) = rest.split_at(end);
        rest = behind;
        let line = line.trim_ascii_end();
        if let Some(trailer) = line.strip_prefix(b"-----END ") {
            let Some((kind, has_headers, body)) = open.take() else {
                continue;
            };
            if trailer.strip_suffix(b"-----") == Some(kind.as_bytes())
                && let Ok(bytes) = LENIENT.decode(body)
            {
                return Some((Block { kind, has_headers, bytes }, rest));
            }
        } else if let Some(kind) = line.strip_prefix(b"-----BEGIN ") {
            let kind = kind.strip_suffix(b"-----").map(|kind| String::from_utf8_lossy(kind).into_owned());
            open = kind.map(|kind| (kind, false, Vec::new()));
            in_headers = true;
        } else if let Some((_, has_headers, body)) = &mut open {
            if in_headers && line.contains(&b':') {
                *has_headers = true;
            } else {
                in_headers = false;
                body.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace()));
            }
        }
    }
    None
}

fn syntax(why: &str) -> String {
    format!("asn1: syntax error: {why}")
}

fn structure(why: &str) -> String {
    format!("asn1: structure error: {why}")
}

/// Reads one element after the other.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The head of an element.
struct Head {
    class: u8,
    compound: bool,
    tag: usize,
    length: usize,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn byte(&mut self) -> Result<u8, String> {
        let byte = self.bytes.get(self.at).ok_or_else(|| syntax("truncated tag or length"))?;
        self.at += 1;
        Ok(*byte)
    }

    fn head(&mut self) -> Result<Head, String> {
        if self.is_empty() {
            return Err(syntax("sequence truncated"));
        }
        let first = self.byte()?;
        let (class, compound, mut tag) = (first >> 6, first & 0x20 != 0, usize::from(first & 0x1f));
        if tag == 0x1f {
            tag = self.long_tag()?;
        }
        let first = self.byte()?;
        if first & 0x80 == 0 {
            return Ok(Head { class, compound, tag, length: usize::from(first) });
        }
        if first == 0x80 {
            return Err(syntax("indefinite length found (not DER)"));
        }
        let mut length = 0;
        for _ in 0..first & 0x7f {
            let byte = self.byte()?;
            if length >= LENGTH_MAX {
                return Err(structure("length too large"));
            }
            length = length << 8 | usize::from(byte);
            if length == 0 {
                return Err(structure("superfluous leading zeros in length"));
            }
        }
        if length < 0x80 {
            return Err(structure("non-minimal length"));
        }
        Ok(Head { class, compound, tag, length })
    }

    fn long_tag(&mut self) -> Result<usize, String> {
        let mut tag = 0;
        for shifted in 0..5 {
            let byte = *self.bytes.get(self.at).ok_or_else(|| syntax("truncated base 128 integer"))?;
            self.at += 1;
            if shifted == 0 && byte == 0x80 {
                return Err(syntax("integer is not minimally encoded"));
            }
            tag = tag << 7 | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                if i32::try_from(tag).is_err() {
                    break;
                }
                return if tag < 0x1f { Err(syntax("non-minimal tag")) } else { Ok(tag) };
            }
        }
        Err(structure("base 128 integer too large"))
    }

    fn content(&mut self, length: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| syntax("data truncated"))?;
        let content = &self.bytes[self.at..end];
        self.at = end;
        Ok(content)
    }

    /// The content of any element.
    fn any(&mut self) -> Result<&'a [u8], String> {
        let length = self.head()?.length;
        self.content(length)
    }

    /// The content of an element of this kind; `name` is what the type is called in complaints.
    fn element(&mut self, wanted: u8, name: &str) -> Result<&'a [u8], String> {
        let head = self.head()?;
        let (class, compound, tag) = (wanted >> 6, wanted & 0x20 != 0, usize::from(wanted & 0x1f));
        if (head.class, head.compound, head.tag) != (class, compound, tag) {
            let Head { class, compound, tag: found, length } = head;
            return Err(structure(&format!(
                "tags don't match ({tag} vs {{class:{class} tag:{found} length:{length} isCompound:{compound}}}) \
                 {{optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 \
                 timeType:0 set:false omitEmpty:false}} {name} @{}",
                self.at
            )));
        }
        self.content(head.length)
    }
}

fn integer(bytes: &[u8]) -> Result<(), String> {
    match bytes {
        [] => Err(structure("empty integer")),
        [0, second, ..] if second & 0x80 == 0 => Err(structure("integer not minimally-encoded")),
        [0xff, second, ..] if second & 0x80 != 0 => Err(structure("integer not minimally-encoded")),
        _ if bytes.len() > 8 => Err(structure("integer too large")),
        _ => Ok(()),
    }
}

fn bit_string(bytes: &[u8]) -> Result<(), String> {
    match bytes {
        [] => Err(syntax("zero length BIT STRING")),
        [padding, ..] if *padding > 7 => Err(syntax("invalid padding bits in BIT STRING")),
        [padding] if *padding > 0 => Err(syntax("invalid padding bits in BIT STRING")),
        [padding, .., last] if last & ((1_u8 << padding) - 1) != 0 => Err(syntax("invalid padding bits in BIT STRING")),
        _ => Ok(()),
    }
}

/// The identifier inside an algorithm.
fn algorithm(bytes: &[u8]) -> Result<&[u8], String> {
    let mut inside = Reader::new(bytes);
    let object = inside.element(OBJECT, "ObjectIdentifier")?;
    if !inside.is_empty() {
        inside.any()?;
    }
    Ok(object)
}

/// The organizations of whom a request for a certificate is about.
///
/// # Errors
/// Why it is no request.
pub(super) fn request(text: &[u8]) -> Result<Vec<String>, String> {
    let found = block(text).map(|(block, _)| block).filter(|block| block.kind == "CERTIFICATE REQUEST");
    let bytes = found.ok_or("PEM block type must be CERTIFICATE REQUEST")?.bytes;
    let mut whole = Reader::new(&bytes);
    let mut outer = Reader::new(whole.element(SEQUENCE, "certificateRequest")?);
    let mut inner = Reader::new(outer.element(SEQUENCE, "tbsCertificateRequest")?);
    integer(inner.element(INTEGER, "int")?)?;
    let subject = inner.any()?;
    let mut key = Reader::new(inner.element(SEQUENCE, "publicKeyInfo")?);
    algorithm(key.element(SEQUENCE, "AlgorithmIdentifier")?)?;
    bit_string(key.element(BIT_STRING, "BitString")?)?;
    inner.element(ATTRIBUTES, "")?;
    let signature = algorithm(outer.element(SEQUENCE, "AlgorithmIdentifier")?)?;
    bit_string(outer.element(BIT_STRING, "BitString")?)?;
    if !whole.is_empty() {
        return Err(syntax("trailing data"));
    }
    let organizations = organizations(subject)?;
    if !SIGNATURES.iter().any(|known| signature.starts_with(known)) {
        return Err("x509: cannot verify signature: algorithm unimplemented".to_owned());
    }
    Ok(organizations)
}

fn organizations(subject: &[u8]) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut names = Reader::new(subject);
    while !names.is_empty() {
        let mut set = Reader::new(names.element(SET, "RelativeDistinguishedNameSET")?);
        while !set.is_empty() {
            let mut pair = Reader::new(set.element(SEQUENCE, "AttributeTypeAndValue")?);
            let kind = pair.element(OBJECT, "ObjectIdentifier")?;
            let value = pair.any()?;
            if kind == ORGANIZATION {
                found.push(String::from_utf8_lossy(value).into_owned());
            }
        }
    }
    Ok(found)
}

/// Checks what a signer hands out: certificates and nothing else. The empty text is nothing.
///
/// # Errors
/// What is wrong with it.
pub(super) fn certificates(text: &[u8]) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    let (mut rest, mut blocks) = (text, 0);
    while let Some((block, behind)) = block(rest) {
        if block.kind != "CERTIFICATE" {
            return Err(format!("only CERTIFICATE PEM blocks are allowed, found {:?}", block.kind));
        }
        if block.has_headers {
            return Err("no PEM block headers are permitted".to_owned());
        }
        if block.bytes.is_empty() {
            return Err("found CERTIFICATE PEM block containing 0 certificates".to_owned());
        }
        let mut bytes = Reader::new(&block.bytes);
        while !bytes.is_empty() {
            certificate(&mut bytes)?;
        }
        (rest, blocks) = (behind, blocks + 1);
    }
    if blocks == 0 { Err("must contain at least one CERTIFICATE PEM block".to_owned()) } else { Ok(()) }
}

fn certificate(bytes: &mut Reader<'_>) -> Result<(), String> {
    let part = |reader: &mut Reader<'_>, wanted: u8, what: &str| {
        reader.element(wanted, "").map(|_| ()).map_err(|_| format!("x509: malformed {what}"))
    };
    let whole = bytes.element(SEQUENCE, "").map_err(|_| "x509: malformed certificate")?;
    let mut outer = Reader::new(whole);
    let inner = outer.element(SEQUENCE, "").map_err(|_| "x509: malformed tbs certificate")?;
    let mut inner = Reader::new(inner);
    // The version is one of the first certificates where it is absent.
    if inner.bytes.first() == Some(&ATTRIBUTES) {
        part(&mut inner, ATTRIBUTES, "version")?;
    }
    part(&mut inner, INTEGER, "serial number")?;
    part(&mut inner, SEQUENCE, "signature algorithm identifier")?;
    part(&mut outer, SEQUENCE, "algorithm identifier")?;
    part(&mut inner, SEQUENCE, "issuer")?;
    part(&mut inner, SEQUENCE, "validity")?;
    part(&mut inner, SEQUENCE, "issuer")?;
    part(&mut inner, SEQUENCE, "spki")?;
    part(&mut outer, BIT_STRING, "signature")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(kind: &str, body: &str) -> Vec<u8> {
        format!("words before\n-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n").into_bytes()
    }

    #[test]
    fn what_is_no_request_says_why() {
        for (text, why) in [
            (b"hello".to_vec(), "PEM block type must be CERTIFICATE REQUEST"),
            (pem("CERTIFICATE", "AAEC"), "PEM block type must be CERTIFICATE REQUEST"),
            (pem("CERTIFICATE REQUEST", "***"), "PEM block type must be CERTIFICATE REQUEST"),
            (pem("CERTIFICATE REQUEST", "MAA="), "asn1: syntax error: sequence truncated"),
            (pem("CERTIFICATE REQUEST", "MIIB"), "asn1: syntax error: truncated tag or length"),
            (pem("CERTIFICATE REQUEST", "MAUC"), "asn1: syntax error: data truncated"),
        ] {
            assert_eq!(request(&text), Err(why.to_owned()));
        }
        let why = request(&pem("CERTIFICATE REQUEST", "AgEA")).expect_err("an integer is no request");
        assert!(why.contains("tags don't match (16 vs {class:0 tag:2 length:1 isCompound:false})"), "{why}");
        assert!(why.ends_with("certificateRequest @2"), "{why}");
    }

    #[test]
    fn certificates_stand_alone() {
        for (text, why) in [
            (b"hello".to_vec(), "must contain at least one CERTIFICATE PEM block"),
            (
                pem("CERTIFICATE REQUEST", "MAA="),
                "only CERTIFICATE PEM blocks are allowed, found \"CERTIFICATE REQUEST\"",
            ),
            (pem("CERTIFICATE", "a: b\n\nMAA="), "no PEM block headers are permitted"),
            (pem("CERTIFICATE", "MAA="), "x509: malformed tbs certificate"),
            (pem("CERTIFICATE", "AAEC"), "x509: malformed certificate"),
        ] {
            assert_eq!(certificates(&text), Err(why.to_owned()));
        }
        assert_eq!(certificates(b""), Ok(()));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        for first in 0..=255_u8 {
            for second in 0..=255_u8 {
                let bytes = [first, second, 0x83, 0xff, 0xff, 0xff, first];
                let body = LENIENT.encode(bytes);
                let _ = request(&pem("CERTIFICATE REQUEST", &body));
                let _ = certificates(&pem("CERTIFICATE", &body));
            }
        }
    }
}
