import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { findPack } from './find-pack.ts'
import { makePack } from './make-pack.ts'

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sampan-pack-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

describe('a pack of the sources', () => {
  let root = ''
  let count = 0
  const environment = (): NodeJS.ProcessEnv => ({ SAMPAN_CACHE: join(root, 'cache') })
  const source = (name: string, text: string): void => writeFileSync(join(root, 'src/main', name), text)
  const run = (pack: string): string => spawnSync(process.execPath, [join(pack, 'run.js')], { encoding: 'utf8', env: {} }).stdout

  beforeEach(() => {
    root = join(folder, String(count++))
    mkdirSync(join(root, 'src/main'), { recursive: true })
    mkdirSync(join(root, 'node_modules/late'), { recursive: true })
    writeFileSync(join(root, 'package.json'), '{ "type": "module", "imports": { "#words": "./src/words.ts" } }')
    writeFileSync(join(root, 'package-lock.json'), '{}')
    writeFileSync(join(root, 'node_modules/late/index.js'), "exports.late = () => 'late'\n")
    writeFileSync(join(root, 'src/words.ts'), "export const hello: string = 'hello'\n")
    source('text.txt', 'beside the sources')
    source('table.gen.json', '{ "of": "µ" }')
    source(
      'run.ts',
      `import { readFileSync } from 'node:fs'
       import { hello } from '#words'
       import table from './table.gen.json' with { type: 'json' }
       const { late } = (await import('late'))
       console.log(hello, readFileSync(new URL('text.txt', import.meta.url), 'utf8'), import.meta.dirname, late(), /^[µ→]$/.test(table.of))`,
    )
  })

  it('does what the sources do, and finds what lies beside them', async () => {
    const pack = await makePack(environment(), root)
    assert.equal(run(pack), `hello beside the sources ${join(root, 'src/main')} late true\n`)
  })

  it('is found until a source changes, and is not made twice', async () => {
    assert.equal(findPack(environment(), root), undefined)
    const pack = await makePack(environment(), root)
    assert.equal(findPack(environment(), root), pack)
    writeFileSync(join(pack, 'mark'), '')
    assert.equal(await makePack(environment(), root), pack)
    assert.ok(existsSync(join(pack, 'mark')))
    source('more.ts', 'export {}\n')
    assert.equal(findPack(environment(), root), undefined)
  })

  it('is what the starter of a process runs, whatever has become of the sources, as long as it is there', async () => {
    const pack = await makePack(environment(), root)
    const given = { ...environment(), SAMPAN_PACK: pack }
    source('more.ts', 'export {}\n')
    assert.equal(findPack(given, root), pack)
    rmSync(pack, { recursive: true })
    assert.equal(findPack(given, root), undefined)
  })

  it('does not depend on tests', async () => {
    const pack = await makePack(environment(), root)
    source('run.test.ts', 'export {}\n')
    assert.equal(findPack(environment(), root), pack)
  })

  it('is neither found nor wanted when packing is off', async () => {
    await makePack(environment(), root)
    assert.equal(findPack({ ...environment(), SAMPAN_PACK: 'off' }, root), undefined)
  })

  it('replaces those of earlier sources that nobody runs', async () => {
    const unused = await makePack(environment(), root)
    source('more.ts', 'export const a = 1\n')
    const used = await makePack(environment(), root)
    assert.equal(findPack(environment(), root), used)
    source('more.ts', 'export const a = 12\n')
    const latest = await makePack(environment(), root)
    assert.ok(!existsSync(unused))
    assert.ok(existsSync(used))
    assert.ok(existsSync(latest))
  })

  it('leaves nothing when it cannot be made', async () => {
    source('run.ts', "import './nowhere.ts'\n")
    await assert.rejects(makePack(environment(), root), /nowhere/)
    assert.equal(findPack(environment(), root), undefined)
    assert.ok(!existsSync(join(root, 'cache')))
  })
})
