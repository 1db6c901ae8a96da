import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { UserError } from '#base'
import { pauseProgram } from './pause.ts'

const folder = mkdtempSync(join(tmpdir(), 'sampan-pause-'))
after(() => rmSync(folder, { recursive: true }))
const runnable = process.platform === 'linux' && (process.arch === 'x64' || process.arch === 'arm64')

/** Bit `signal - 1` of a mask of /proc/PID/status. */
const has = (status: string, mask: string, signal: number): boolean =>
  ((BigInt(`0x${new RegExp(`${mask}:\\s*([0-9a-f]+)`).exec(status)?.[1] ?? '0'}`) >> BigInt(signal - 1)) & 1n) === 1n

describe('the pause program', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    test(`waits, lets the kernel bury its children, and ends at ${signal}`, {
      skip: runnable ? false : 'not assembled for this machine',
    }, async () => {
      const program = join(folder, signal)
      writeFileSync(program, pauseProgram(process.arch), { mode: 0o755 })
      const child = spawn(program, [], { stdio: 'ignore' })
      await once(child, 'spawn')
      // It is ready when its last handler is there; until then it is still on its way through a dozen instructions.
      let status = ''
      while (!has(status, 'SigCgt', 2)) status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      assert.ok(has(status, 'SigIgn', 17), 'ignores the end of children')
      assert.ok(has(status, 'SigCgt', 15), 'handles TERM')
      child.kill(signal)
      assert.deepEqual(await once(child, 'exit'), [0, null])
    })

  test('is a few hundred bytes of its machine', () => {
    for (const [architecture, machine] of [
      ['x64', 62],
      ['arm64', 183],
    ] as const) {
      const bytes = Buffer.from(pauseProgram(architecture))
      assert.ok(bytes.length < 400)
      assert.equal(bytes.readUInt16LE(18), machine)
      assert.equal(Number(bytes.readBigUInt64LE(64 + 32)), bytes.length, 'the segment is the whole file')
    }
  })

  test('refuses a machine that it does not know', () => {
    assert.throws(() => pauseProgram('riscv64'), UserError)
  })
})
