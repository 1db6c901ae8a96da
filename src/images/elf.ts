import { closeSync, openSync, readSync } from 'node:fs'

/** What a loader needs to know of a program or a library. */
export interface ElfFacts {
  /** The machine's number in the ELF header: 62 is x86-64, 183 is arm64. Libraries must have their program's. */
  readonly machine: number
  /** The loader that the kernel starts; undefined for libraries and static programs. */
  readonly interpreter: string | undefined
  /** Names of libraries, in the order in which the loader takes them. */
  readonly needed: readonly string[]
  /** Folders that the file itself tells the loader to search, `$ORIGIN` included. */
  readonly searchPath: readonly string[]
}

const PT = { load: 1, dynamic: 2, interp: 3 } as const
const DT = { needed: 1, strtab: 5, rpath: 15, runpath: 29 } as const

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly size: number
}

/** Reads the headers of a 64-bit little-endian ELF file; undefined for anything else. Never reads the whole file. */
export function readElf(path: string): ElfFacts | undefined {
  const file = openSync(path, 'r')
  try {
    return readFrom((offset, size) => {
      const bytes = Buffer.alloc(size)
      const count = readSync(file, bytes, 0, size, offset)
      return bytes.subarray(0, count)
    })
  } finally {
    closeSync(file)
  }
}

function readFrom(read: (offset: number, size: number) => Buffer): ElfFacts | undefined {
  const header = read(0, 64)
  if (header.length < 64 || header.toString('latin1', 0, 4) !== '\x7fELF' || header[4] !== 2 || header[5] !== 1) return undefined
  const segments = segmentsOf(
    read(Number(header.readBigUInt64LE(32)), header.readUInt16LE(54) * header.readUInt16LE(56)),
    header.readUInt16LE(54),
  )
  const machine = header.readUInt16LE(18)
  const interp = segments.find(({ type }) => type === PT.interp)
  const interpreter = interp === undefined ? undefined : textAt(read(interp.offset, interp.size), 0)
  const dynamic = segments.find(({ type }) => type === PT.dynamic)
  if (dynamic === undefined) return { machine, interpreter, needed: [], searchPath: [] }

  const entries = dynamicEntries(read(dynamic.offset, dynamic.size))
  const stringsAddress = entries.find(({ tag }) => tag === DT.strtab)?.value ?? 0
  const holder = segments.find(
    ({ type, address, size }) => type === PT.load && stringsAddress >= address && stringsAddress < address + size,
  )
  if (holder === undefined) return { machine, interpreter, needed: [], searchPath: [] }
  const stringAt = (value: number): string => textAt(read(holder.offset + stringsAddress - holder.address + value, 4096), 0)
  const all = (tag: number): string[] => entries.filter((entry) => entry.tag === tag).map(({ value }) => stringAt(value))
  const paths = all(DT.runpath)
  return {
    machine,
    interpreter,
    needed: all(DT.needed),
    searchPath: (paths.length > 0 ? paths : all(DT.rpath)).flatMap((path) => path.split(':')),
  }
}

function segmentsOf(table: Buffer, entrySize: number): readonly Segment[] {
  return Array.from({ length: Math.floor(table.length / entrySize) }, (_, index) => {
    const at = index * entrySize
    return {
      type: table.readUInt32LE(at),
      offset: Number(table.readBigUInt64LE(at + 8)),
      address: Number(table.readBigUInt64LE(at + 16)),
      size: Number(table.readBigUInt64LE(at + 32)),
    }
  })
}

function dynamicEntries(table: Buffer): readonly { readonly tag: number; readonly value: number }[] {
  return Array.from({ length: Math.floor(table.length / 16) }, (_, index) => ({
    tag: Number(table.readBigInt64LE(index * 16)),
    value: Number(table.readBigUInt64LE(index * 16 + 8)),
  }))
}

function textAt(bytes: Buffer, start: number): string {
  const end = bytes.indexOf(0, start)
  return bytes.toString('utf8', start, end < 0 ? bytes.length : end)
}
