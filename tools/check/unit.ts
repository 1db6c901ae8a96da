import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { NO_TESTS, type TestCounts, addCounts, describeCounts, parseCounts, runTests } from './run-tests.ts'

/** The unit tests: those that stand beside the code. */
const globs = ['src/**/!(*.integration).test.ts', 'tools/**/*.test.ts', 'testing/**/*.test.ts', 'examples/**/*.test.ts']

const LIMIT_MS = 15 * 60_000

const root = join(import.meta.dirname, '../..')
const { values } = parseArgs({ options: { part: { type: 'string' } } })
/** Some wait while others work. */
const parts = availableParallelism() + 1
const counts = await (values.part === undefined
  ? runParts()
  : runTests({ cwd: root, globs: filesOf(Number(values.part)), together: true, limitMs: LIMIT_MS }))
console.log(describeCounts(counts))
process.exitCode = counts.failed > 0 ? 1 : 0
// Written first: what a test left open would hold this process for ever.
if (values.part !== undefined) process.stdout.write('', () => process.exit())

/**
 * Every so many of the files, so that each part meets all components and takes about as long. Most of what a file costs alone is
 * loading the code that it is about, and the files of a part share that.
 */
function filesOf(part: number): readonly string[] {
  const files = globs.flatMap((glob) => globSync(glob, { cwd: root })).toSorted()
  return files.filter((_, at) => at % parts === part)
}

async function runParts(): Promise<TestCounts> {
  const all = await Promise.all(Array.from({ length: parts }, (_, part) => runPart(part)))
  return all.reduce(addCounts, NO_TESTS)
}

/** A part is a process of its own. One that ends without its last line, or badly though every test passed, has failed. */
async function runPart(part: number): Promise<TestCounts> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', import.meta.filename, '--part', String(part)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(child, 'close')
  const output = Buffer.concat(chunks).toString().trimEnd()
  const counts = parseCounts(output)
  process.stdout.write(counts === undefined ? `${output}\n` : output.slice(0, output.lastIndexOf('\n') + 1))
  if (counts !== undefined && (child.exitCode === 0 || counts.failed > 0)) return counts
  console.log(`part ${part} ended by ${child.signalCode ?? `code ${child.exitCode}`}, with the files\n  ${filesOf(part).join('\n  ')}`)
  return addCounts(counts ?? NO_TESTS, { passed: 0, failed: 1, skipped: 0 })
}
