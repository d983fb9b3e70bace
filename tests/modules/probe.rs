// probe, in Rust: see probe/main.go.
use std::io::{Read, Write};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, io, process, thread};

fn list(dir: &str) -> io::Result<()> {
    let (mut entries, mut directories, mut bytes) = (0, 0, 0u64);
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        entries += 1;
        directories += entry.file_type()?.is_dir() as u32;
        bytes += entry.file_name().to_str().unwrap().bytes().map(u64::from).sum::<u64>();
    }
    println!("{} entries, {} directories, names {}", entries, directories, bytes);
    Ok(())
}

fn put(path: &str, text: &str) -> io::Result<()> {
    writeln!(fs::File::create(path)?, "{}", text)
}

fn get(path: &str) -> io::Result<()> {
    let mut data = Vec::new();
    fs::File::open(path)?.read_to_end(&mut data)?;
    io::stdout().write_all(&data)
}

fn tree(dir: &str) -> io::Result<()> {
    let at = |name: &str| format!("{}/{}", dir, name);
    fs::create_dir(at("d"))?;
    put(&at("d/x"), "tree")?;
    fs::rename(at("d/x"), at("d/y"))?;
    list(&at("d"))?;
    println!("y has {} bytes", fs::metadata(at("d/y"))?.len());
    let gone = fs::metadata(at("d/x")).err().map(|e| e.kind()) == Some(io::ErrorKind::NotFound);
    println!("x is gone: {}", gone);
    fs::remove_file(at("d/y"))?;
    fs::remove_dir(at("d"))?;
    list(dir)
}

fn run(words: &[String]) -> io::Result<()> {
    match words[1].as_str() {
        "args" => words[1..].iter().for_each(|word| println!("{}", word)),
        "env" => println!("{}", env::var(&words[2]).unwrap_or_else(|_| "unset".to_string())),
        "exit" => {
            println!("leaving");
            process::exit(words[2].parse().unwrap())
        }
        "put" => put(&words[2], &words[3])?,
        "get" => get(&words[2])?,
        "tree" => tree(&words[2])?,
        "time" => {
            let (start, wall) = (Instant::now(), SystemTime::now());
            thread::sleep(Duration::from_millis(30));
            println!("{} {}", wall.duration_since(UNIX_EPOCH).unwrap().as_secs(), start.elapsed().as_millis());
        }
        _ => (),
    }
    Ok(())
}

fn main() {
    let words: Vec<String> = env::args().collect();
    if let Err(e) = run(&words) {
        eprintln!("probe: {}", e);
        process::exit(1)
    }
}
