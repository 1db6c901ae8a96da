import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SERVICE_KEYS } from '#compose'
import { ALIYUN_VERDICTS, type ComposeVerdict, SERVICE_VERDICTS, aliyunVerdict } from './verdicts.ts'

const page = readFileSync(join(import.meta.dirname, '../../../docs/reference/compose.md'), 'utf8')

test('every key of a service has a verdict, but those that are gone when a project is whole', () => {
  const gone = ['env_file', 'extends', 'label_file', 'pull_refresh_after']
  assert.deepEqual(
    Object.keys(SERVICE_VERDICTS)
      .filter((key) => !gone.includes(key))
      .sort(),
    SERVICE_KEYS.filter((key) => !gone.includes(key)).toSorted(),
  )
})

test('the page shows the tables as they are', () => {
  const row = ([key, verdict]: readonly [string, ComposeVerdict]): string =>
    'as' in verdict ? `| \`${key}\` | honoured | ${verdict.as} |` : `| \`${key}\` | refused | ${verdict.refused} |`
  const rows = [...Object.entries(SERVICE_VERDICTS), ...Object.entries(ALIYUN_VERDICTS)].map(row)
  assert.deepEqual(
    page.split('\n').filter((line) => line.startsWith('| `')),
    rows,
  )
})

test('a label has the verdict of its own or of the longest family', () => {
  assert.deepEqual(aliyunVerdict('aliyun.routing.port_80'), ALIYUN_VERDICTS['aliyun.routing.port_*'])
  assert.deepEqual(aliyunVerdict('aliyun.routing.worker'), ALIYUN_VERDICTS['aliyun.routing.*'])
  assert.equal(aliyunVerdict('aliyun.nonsense'), undefined)
})
