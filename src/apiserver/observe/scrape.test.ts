import assert from 'node:assert/strict'
import { test } from 'node:test'
import { statusError } from '#api'
import { testApiServer } from '#testing'
import type { AdmissionStep } from '../contract.ts'

const grumpy: AdmissionStep = {
  name: 'Grumpy',
  handles: ({ operation }) => operation === 'CREATE',
  validate(_scope, { resource, name }) {
    if (name === 'bad') throw statusError.forbidden(resource, name, 'no')
  },
}

test('what has been asked of the server is told by the metrics that dashboards look for', async (t) => {
  const api = await testApiServer({ admission: [grumpy] })
  t.after(() => api.close())
  const path = '/api/v1/namespaces/default/configmaps'
  await api.request('POST', path, { body: { metadata: { name: 'good' } } })
  const watch = await api.watch(`${path}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`)
  await watch.next()
  assert.equal((await api.request('POST', path, { body: { metadata: { name: 'bad' } } })).status, 403)
  await api.request('PUT', `${path}/good`, { body: { metadata: { name: 'good' }, data: { a: 'b' } } })
  assert.equal((await watch.next()).type, 'BOOKMARK')
  assert.equal((await watch.next()).type, 'MODIFIED')
  await api.request('PUT', `${path}/good?fieldValidation=Strict`, { body: { metadata: { name: 'good' }, data: { a: 'b' } } })
  await api.request('GET', path)
  await api.request('GET', '/api/v1/namespaces/default/endpoints')
  await api.request('GET', '/readyz')
  const { text, headers } = await api.request('GET', '/metrics')
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/)
  const value = (series: string): number => {
    const line = text.split('\n').find((one) => one.startsWith(`${series} `))
    assert.ok(line !== undefined, series)
    return Number(line.slice(series.length + 1))
  }
  const of = 'group="",resource="configmaps"'
  assert.equal(
    value(
      'apiserver_admission_controller_admission_duration_seconds_count{name="Grumpy",type="validate",operation="CREATE",rejected="true"}',
    ),
    1,
  )
  assert.equal(value('apiserver_admission_step_admission_duration_seconds_count{type="validate",operation="CREATE",rejected="false"}'), 1)
  assert.equal(value(`apiserver_watch_events_total{group="",version="v1",resource="configmaps"}`), 2)
  assert.equal(value(`apiserver_watch_events_sizes_count{group="",version="v1",resource="configmaps"}`), 2)
  assert.equal(value(`apiserver_init_events_total{${of}}`), 1)
  assert.equal(value(`etcd_requests_total{operation="create",${of}}`), 1)
  assert.equal(value(`etcd_request_duration_seconds_count{operation="update",${of}}`), 1)
  assert.equal(value(`apiserver_cache_list_total{${of},index=""}`), 1)
  assert.equal(value(`apiserver_cache_list_returned_objects_total{${of}}`), 1)
  assert.equal(value(`apiserver_resource_objects{${of}}`), 1)
  assert.ok(value(`apiserver_resource_size_estimate_bytes{${of}}`) > 100)
  assert.equal(value(`apiserver_watch_cache_events_received_total{${of}}`), 2)
  assert.equal(
    value(
      'apiserver_longrunning_requests{component="apiserver",group="",resource="configmaps",scope="namespace",subresource="",verb="WATCH",version="v1"}',
    ),
    1,
  )
  assert.ok(value('authentication_attempts{result="success"}') >= 5)
  assert.ok(value('authorization_attempts_total{result="allowed"}') >= 5)
  assert.ok(value('process_open_fds') > 3)
  assert.ok(value('apiserver_storage_size_bytes{storage_cluster_id="etcd-0"}') >= 0)
  assert.equal(value(`apiserver_request_body_size_bytes_count{${of},verb="create"}`), 2)
  assert.equal(value(`apiserver_watch_list_duration_seconds_count{group="",version="v1",resource="configmaps",scope="namespace"}`), 1)
  assert.equal(value(`apiserver_storage_list_total{${of}}`), 1)
  assert.equal(value(`apiserver_storage_list_fetched_objects_total{${of}}`), 0, 'the cache was filled before there were any')
  assert.equal(
    value(`apiserver_requested_deprecated_apis{group="",version="v1",resource="endpoints",subresource="",removed_release=""}`),
    1,
  )
  assert.equal(value('field_validation_request_duration_seconds_count{field_validation="Strict"}'), 1)
  assert.equal(value(`apiserver_storage_events_received_total{${of}}`), 2)
  assert.equal(value('apiserver_cel_evaluation_duration_seconds_count'), 0)
  assert.ok(value('apiserver_request_filter_duration_seconds_count{filter="authorization"}') >= 5)
  // One family is named once, and every line is a comment or a sample.
  const named = text.split('\n').filter((line) => line.startsWith('# TYPE '))
  assert.equal(new Set(named).size, named.length)
  for (const line of text.split('\n')) assert.match(line, /^$|^# (HELP|TYPE) |^[a-z_]+(\{[^}]*\})? (\S+)$/)
  watch.cancel()
  const slis = (await api.request('GET', '/metrics/slis')).text
  assert.match(slis, /kubernetes_healthcheck\{name="ping",type="readyz"\} 1/)
  assert.match(slis, /kubernetes_healthchecks_total\{name="etcd",type="readyz",status="success"\} 1/)
})
