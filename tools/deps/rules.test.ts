import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ROWS, componentOf, rowOf } from './rules.ts'

describe('the rows', () => {
  it('only look down', () => {
    for (const { name, layer, may } of ROWS) {
      if (layer === undefined || may === 'everything') continue
      for (const door of may) {
        const below = rowOf(door.split('/')[0] ?? door)
        assert.ok(below?.layer !== undefined && below.layer < layer, `${name} may import ${door}, which is not below it`)
      }
    }
  })

  it('have one name each', () => {
    assert.equal(new Set(ROWS.map((row) => row.name)).size, ROWS.length)
  })

  it('cover every folder of src', () => {
    const folders = readdirSync(join(import.meta.dirname, '../../src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    for (const { name } of folders) assert.ok(rowOf(name), `src/${name} has no row`)
  })

  it('take each controller for a component of its own', () => {
    assert.equal(componentOf('src/controllers/job/plan.ts'), 'controllers/job')
    assert.equal(componentOf('src/controllers/index.ts'), 'controllers')
    assert.equal(rowOf('controllers/job')?.name, 'controllers/*')
  })
})
