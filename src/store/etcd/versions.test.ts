import assert from 'node:assert/strict'
import { it } from 'node:test'
import { unfitEtcd } from './versions.ts'

it('takes the versions of etcd whose watches lose nothing, and says what is wrong with the others', () => {
  for (const fit of ['3.4.31', '3.4.38', '3.5.13', '3.5.26', '3.6.0', '3.6.10', '3.7.0-alpha.0', '4.0.0'])
    assert.equal(unfitEtcd(fit), undefined, fit)
  for (const early of ['3.4.23', '3.4.30', '3.5.0', '3.5.12'])
    assert.match(unfitEtcd(early)?.why ?? '', /before it has sent their events/, early)
  for (const old of ['2.3.8', '3.3.27', '']) assert.match(unfitEtcd(old)?.why ?? '', /is too old/, old)
})
