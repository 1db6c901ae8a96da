import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GroupNames } from './group-names.ts'

test('a name is taken for all but those who have it, until the last of them has given it up', () => {
  const names = new GroupNames()
  const widgets = { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList', shortNames: ['w'] }
  names.add('a', widgets)
  names.add('a', widgets)
  assert.equal(names.takenFor('a').hasResource('widgets'), false)
  for (const name of ['widgets', 'widget', 'w']) assert.equal(names.takenFor('b').hasResource(name), true)
  assert.equal(names.takenFor('b').hasResource('Widget'), false)
  assert.equal(names.takenFor('b').hasKind('Widget'), true)
  names.add('b', { plural: 'others', kind: 'Widget' })
  assert.equal(names.takenFor('a').hasKind('Widget'), true)
  names.remove('a', widgets)
  assert.equal(names.takenFor('c').hasKind('Widget'), true)
  assert.equal(names.takenFor('c').hasKind('WidgetList'), false)
  names.remove('b', { plural: 'others', kind: 'Widget' })
  assert.equal(names.isEmpty, true)
})
