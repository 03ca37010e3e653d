//! Files as answers: which types are taken, how a type is told from the bytes, and how an answer names its file.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::ids::UploadId;
use crate::domain::text::{Sha256, TextError, one_line};
use crate::domain::words::words;

/// The largest file that any question takes, in bytes.
pub const FILE_MAX: u64 = 20_000_000;
/// The largest file that a question takes that does not say, in bytes.
pub const FILE_MAX_UNLESS_SAID: u64 = 10_000_000;

/// A type of file that can be an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileType {
    /// Portable Document Format.
    Pdf,
    /// A picture in PNG.
    Png,
    /// A picture in JPEG.
    Jpeg,
    /// Text in UTF-8, such as CSV.
    Text,
    /// A Word document (Office Open XML) without macros.
    Word,
    /// A text document in the `OpenDocument` format.
    OpenDocument,
}

words! {
    FileType {
        Pdf = "pdf",
        Png = "png",
        Jpeg = "jpeg",
        Text = "text",
        Word = "word",
        OpenDocument = "open-document",
    }
}

impl FileType {
    /// Its media type (RFC 6838).
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Text => "text/plain; charset=utf-8",
            Self::Word => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::OpenDocument => "application/vnd.oasis.opendocument.text",
        }
    }

    /// The endings of the names of such files.
    pub const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Pdf => &[".pdf"],
            Self::Png => &[".png"],
            Self::Jpeg => &[".jpg", ".jpeg"],
            Self::Text => &[".txt", ".csv", ".md"],
            Self::Word => &[".docx"],
            Self::OpenDocument => &[".odt"],
        }
    }
}

/// How many bytes from the end of a file are looked at: the directory of a ZIP archive stands there.
const TAIL: usize = 64 * 1024;
/// How many bytes from the beginning are looked at.
const HEAD: usize = 128;
/// How near the end of a file its last mark must be, in bytes; some programs write a little after it.
const END: usize = 1024;

/// Tells the type of a file from its bytes, which may come in pieces of any size. Its name and what its sender says of it
/// don't count.
#[derive(Default)]
struct TypeDetector {
    head: Vec<u8>,
    tail: Vec<u8>,
    /// The beginning of a character whose end has not come yet.
    cut: Vec<u8>,
    is_no_text: bool,
}

impl TypeDetector {
    /// Takes the next bytes.
    fn feed(&mut self, bytes: &[u8]) {
        let wanted = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..wanted]);
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
        // Not at every piece: pieces may be small.
        if self.tail.len() > 2 * TAIL {
            self.tail.drain(..self.tail.len() - TAIL);
        }
        if !self.is_no_text {
            self.read_text(bytes);
        }
    }

    fn read_text(&mut self, bytes: &[u8]) {
        self.cut.extend_from_slice(bytes);
        let (text, rest) = match std::str::from_utf8(&self.cut) {
            Ok(text) => (text, 0),
            Err(error) if error.error_len().is_none() => {
                let whole = &self.cut[..error.valid_up_to()];
                (std::str::from_utf8(whole).unwrap_or_default(), self.cut.len() - whole.len())
            }
            Err(_) => ("\0", 0),
        };
        self.is_no_text = text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
        self.cut.drain(..self.cut.len() - rest);
    }

    /// The type of what came; `None` when it is none that can be an answer.
    fn finish(&self) -> Option<FileType> {
        let end = &self.tail[self.tail.len().saturating_sub(END)..];
        let whole = |file_type, mark: &[u8]| holds(end, mark).then_some(file_type);
        // A file of one type may hold the marks of others; how it begins counts.
        if self.head.starts_with(b"%PDF-") {
            whole(FileType::Pdf, b"%%EOF")
        } else if self.head.starts_with(b"\x89PNG\r\n\x1a\n") {
            whole(FileType::Png, b"IEND")
        } else if self.head.starts_with(b"\xff\xd8\xff") {
            // Cameras append to such files: how one ends says nothing.
            Some(FileType::Jpeg)
        } else if self.head.starts_with(b"PK\x03\x04") {
            if holds(&self.tail, b"PK\x05\x06") { self.document() } else { None }
        } else if self.head.is_empty() || self.is_no_text || !self.cut.is_empty() {
            None
        } else {
            Some(FileType::Text)
        }
    }

    /// The type of a ZIP archive that is a document.
    fn document(&self) -> Option<FileType> {
        // OpenDocument 1.3, part 2, section 3.3: the first entry is `mimetype`, stored as it is.
        if self.head.get(30..).is_some_and(|name| name.starts_with(b"mimetypeapplication/vnd.oasis.opendocument.text"))
        {
            let next = self.head.get(30 + "mimetypeapplication/vnd.oasis.opendocument.text".len());
            // One that goes on is a template, a master document or the like.
            return (next != Some(&b'-')).then_some(FileType::OpenDocument);
        }
        let directory = self.tail.to_ascii_lowercase();
        let has_macros = holds(&directory, b"vbaproject") || holds(&directory, b"vbadata");
        (holds(&directory, b"word/document.xml") && !has_macros).then_some(FileType::Word)
    }
}

fn holds(bytes: &[u8], mark: &[u8]) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark)
}

/// The longest name of a file, in characters.
const NAME_MAX: usize = 200;

/// The name of a file as its sender has it, without the folders that it was in and without characters that turn text around.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileName(String);

impl FileName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FileName {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let name = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let is_mark = |c: char| matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        let name: String = name.chars().filter(|c| !is_mark(*c)).collect();
        Ok(Self(one_line(&name, NAME_MAX)?))
    }
}

/// A file that was given as an answer. As a text it is the answer: id, type, size, SHA-256 hash and name, with spaces between,
/// so that a signature binds the very bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileAnswer {
    /// Under which it is kept.
    pub id: UploadId,
    /// Its type, told from its bytes.
    pub file_type: FileType,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 hash of its bytes.
    pub sha256: Sha256,
    /// Its name as the sender had it.
    pub name: FileName,
}

impl FileAnswer {
    /// The name under which it is saved: one that ends as files of its type do, so that a program is not opened as one.
    pub fn saved_as(&self) -> String {
        let (name, endings) = (self.name.as_str(), self.file_type.endings());
        let lower = name.to_lowercase();
        if endings.iter().any(|ending| lower.ends_with(ending)) {
            name.to_owned()
        } else {
            format!("{name}{}", endings[0])
        }
    }
}

impl fmt::Display for FileAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, file_type, size, sha256, name } = self;
        write!(f, "{id} {file_type} {size} {sha256} {}", name.as_str())
    }
}

impl FromStr for FileAnswer {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let mut parts = text.splitn(5, ' ');
        let mut part = || parts.next().ok_or(TextError::Form);
        Ok(Self {
            id: part()?.parse().map_err(|_| TextError::Form)?,
            file_type: part()?.parse()?,
            size: part()?.parse().map_err(|_| TextError::Form)?,
            sha256: part()?.parse().map_err(|_| TextError::Form)?,
            name: part()?.parse()?,
        })
    }
}

/// Reads a file as it comes, in pieces of any size.
pub struct FileReader {
    detector: TypeDetector,
    digest: aws_lc_rs::digest::Context,
    size: u64,
}

impl Default for FileReader {
    fn default() -> Self {
        let digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        Self { detector: TypeDetector::default(), digest, size: 0 }
    }
}

impl FileReader {
    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.detector.feed(bytes);
        self.digest.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// How many bytes have come.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The answer that names the file; `None` when it is of no type that can be one.
    pub fn finish(self, id: UploadId, name: FileName) -> Option<FileAnswer> {
        let file_type = self.detector.finish()?;
        Some(FileAnswer { id, file_type, size: self.size, sha256: Sha256::finish(self.digest), name })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn detected(pieces: &[&[u8]]) -> Option<FileType> {
        let mut detector = TypeDetector::default();
        for piece in pieces {
            detector.feed(piece);
        }
        detector.finish()
    }

    #[test]
    fn the_type_is_told_from_the_bytes() {
        let odt = [&b"PK\x03\x04"[..], &[0; 26], b"mimetypeapplication/vnd.oasis.opendocument.textPK\x05\x06"].concat();
        let template =
            [&b"PK\x03\x04"[..], &[0; 26], b"mimetypeapplication/vnd.oasis.opendocument.text-templatePK\x05\x06"];
        for (bytes, wanted) in [
            (&b"%PDF-1.7\n...\n%%EOF\n"[..], Some(FileType::Pdf)),
            (b"%PDF-1.7\n...", None),
            (b"\x89PNG\r\n\x1a\n...IEND\xae\x42\x60\x82", Some(FileType::Png)),
            (b"\xff\xd8\xff\xe0...\xff\xd9", Some(FileType::Jpeg)),
            (b"PK\x03\x04[Content_Types].xml...word/document.xmlPK\x05\x06", Some(FileType::Word)),
            (b"PK\x03\x04...word/document.xml word/vbaProject.binPK\x05\x06", None),
            (b"PK\x03\x04...word/document.xml word/VBAPROJECT.binPK\x05\x06", None),
            (b"\xff\xd8\xff\xe0...\xff\xd9 and a film", Some(FileType::Jpeg)),
            (b"PK\x03\x04...evil.exePK\x05\x06", None),
            (odt.as_slice(), Some(FileType::OpenDocument)),
            (template.concat().as_slice(), None),
            (b"MZ\x90\x00", None),
            (b"\x7fELF", None),
            (b"", None),
            ("名稱,值\r\n一,1".as_bytes(), Some(FileType::Text)),
            (b"\xa6W\xba\xd9,\xad\xc8", None),
        ] {
            assert_eq!(detected(&[bytes]), wanted, "{}", String::from_utf8_lossy(bytes));
            let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(detected(&bytewise), wanted, "in pieces: {}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(detected(&[&"名".as_bytes()[..2]]), None, "a character that is cut off");
    }

    #[test]
    fn names_lose_their_folders() {
        for (given, wanted) in
            [("C:\\fakepath\\a b.pdf", "a b.pdf"), ("../../etc/passwd", "passwd"), ("倫理.pdf", "倫理.pdf")]
        {
            assert_eq!(given.parse::<FileName>().unwrap().as_str(), wanted);
        }
        assert_eq!("annexe\u{202e}fdp.exe\u{2069}".parse::<FileName>().unwrap().as_str(), "annexefdp.exe");
        for (name, file_type, saved) in [
            ("letter.PDF", FileType::Pdf, "letter.PDF"),
            ("letter.hta", FileType::Pdf, "letter.hta.pdf"),
            ("run.bat", FileType::Text, "run.bat.txt"),
            ("a.docm", FileType::Word, "a.docm.docx"),
            ("照片.jpeg", FileType::Jpeg, "照片.jpeg"),
        ] {
            let id = UploadId(uuid::Uuid::nil());
            let file = FileAnswer { id, file_type, size: 1, sha256: Sha256::of(b""), name: name.parse().unwrap() };
            assert_eq!(file.saved_as(), saved);
        }
        for wrong in ["", "a/", "a\nb", &"x".repeat(201)] {
            assert!(wrong.parse::<FileName>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn an_answer_is_read_back(name in "[^/\\\\\\p{C}]{1,40}", size: u64, bytes: [u8; 16], kind in 0..FileType::ALL.len()) {
            let Ok(name) = name.parse() else { return Ok(()) };
            let id = UploadId(uuid::Uuid::from_bytes(bytes));
            let answer = FileAnswer { id, file_type: FileType::ALL[kind], size, sha256: Sha256::of(&bytes), name };
            prop_assert_eq!(answer.to_string().parse::<FileAnswer>().unwrap(), answer);
        }

        #[test]
        fn any_text_is_refused_or_read(text in "\\PC*") {
            if let Ok(answer) = text.parse::<FileAnswer>() {
                prop_assert_eq!(answer.to_string().parse::<FileAnswer>().unwrap(), answer);
            }
        }
    }
}
