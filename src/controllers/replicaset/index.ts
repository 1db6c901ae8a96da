export { replicaSetController, replicationController } from './replicaset.ts'
