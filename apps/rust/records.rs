// Files and errors: records written, read back line by line, parsed with Results that carry what went wrong.

use std::env;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::num::ParseIntError;

const PATH: &str = "/data/records.csv";

#[derive(Debug)]
enum Problem {
    File(io::Error),
    Number { line: usize, cause: ParseIntError },
    Fields { line: usize, found: usize },
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Problem::File(error)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::File(error) => write!(out, "file: {:?}", error.kind()),
            Problem::Number { line, cause } => write!(out, "line {line}: {cause}"),
            Problem::Fields { line, found } => write!(out, "line {line}: {found} fields, expected 3"),
        }
    }
}

fn write_records(count: u32) -> io::Result<()> {
    let mut file = File::create(PATH)?;
    for i in 0..count {
        writeln!(file, "{i},{},{}", i * i % 97, i.wrapping_mul(2654435761) % 1000)?;
    }
    file.flush()
}

fn total() -> Result<u64, Problem> {
    let mut sum = 0;
    for (index, text) in BufReader::new(File::open(PATH)?).lines().enumerate() {
        let (line, text) = (index + 1, text?);
        let fields: Vec<&str> = text.split(',').collect();
        if fields.len() != 3 {
            return Err(Problem::Fields { line, found: fields.len() });
        }
        for field in fields {
            sum += field.trim().parse::<u64>().map_err(|cause| Problem::Number { line, cause })?;
        }
    }
    Ok(sum)
}

fn report(label: &str) {
    match total() {
        Ok(sum) => println!("{label}: {sum}"),
        Err(problem) => println!("{label}: {problem}"),
    }
}

fn main() -> io::Result<()> {
    let count = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(40);
    report("before");
    write_records(count)?;
    report("written");

    let mut file = OpenOptions::new().read(true).write(true).open(PATH)?;
    file.seek(SeekFrom::Start(2))?;
    file.write_all(b"?")?;
    let mut head = [0; 12];
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut head)?;
    println!("{:?} of {} bytes", String::from_utf8_lossy(&head), fs::metadata(PATH)?.len());
    report("patched");

    file.seek(SeekFrom::Start(2))?;
    file.write_all(b"7")?;
    writeln!(OpenOptions::new().append(true).open(PATH)?, "1,2,3,4")?;
    report("appended");
    fs::remove_file(PATH)?;
    report("removed");
    Ok(())
}
