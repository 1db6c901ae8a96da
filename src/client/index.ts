export type {
  Client,
  DeleteOptions,
  ListOptions,
  ObjectName,
  Patch,
  RawAnswer,
  RawRequest,
  ResourceClient,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts'
