import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { readElf } from './elf.ts'
import { librariesOf } from './libraries.ts'
import { pauseProgram } from './pause.ts'

const folder = mkdtempSync(join(tmpdir(), 'sampan-libraries-'))
after(() => rmSync(folder, { recursive: true }))

describe('libraries', () => {
  test('finds everything that this Node loads, and the loader', () => {
    const facts = readElf(process.execPath)
    assert.ok(facts?.interpreter !== undefined)
    const found = librariesOf(process.execPath, ['/'])
    const names = found.map(({ path }) => basename(path))
    for (const name of facts.needed) assert.ok(names.includes(name), `${name} is among ${names.join(', ')}`)
    assert.ok(found.some(({ path }) => path === facts.interpreter))
    assert.equal(new Set(names).size, names.length)
  })

  test('a static program needs none', () => {
    const program = join(folder, 'static')
    writeFileSync(program, pauseProgram('x64'))
    assert.deepEqual(librariesOf(program, ['/']), [])
  })

  test('names the program that is none', () => {
    const script = join(folder, 'script')
    writeFileSync(script, '#!/bin/sh\n')
    assert.throws(() => librariesOf(script, ['/']), /script is not a program/)
  })

  test('names what is missing', () => {
    assert.throws(() => librariesOf(process.execPath, [folder]), /needs the loader \/lib/)
  })
})
