import { testApiServer } from '#testing'
const api = await testApiServer()
const C='/api/v1/namespaces/default/configmaps'
console.log((await api.request('POST', C, { body: { metadata: { name: 'a' } } })).text)
console.log((await api.request('PUT', C+'/a', { body: { metadata: { name: 'a', labels:{x:'1'} }, data:{text:'1'} } })).text)
await api.close()
