// An SMSC of node-smpp: one JSON object on a line for where it listens and for each submit_sm; a receipt for who asks.
const smpp = require('smpp');
let number = 0;
const hex = (value) => Buffer.from(value).toString('hex');
const server = smpp.createServer((session) => {
  for (const bind of ['bind_transceiver', 'bind_transmitter', 'bind_receiver'])
    session.on(bind, (pdu) => {
      console.log(JSON.stringify({ bind, system_id: pdu.system_id, password: pdu.password, version: pdu.interface_version }));
      session.send(pdu.response({ system_id: 'node-smpp' }));
    });
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
  session.on('submit_sm', (pdu) => {
    const id = 'm' + ++number;
    session.send(pdu.response({ message_id: id }));
    const { udh, message } = pdu.short_message;
    console.log(JSON.stringify({
      id, esm_class: pdu.esm_class, data_coding: pdu.data_coding, destination: pdu.destination_addr, source: pdu.source_addr,
      udh: (udh || []).map(hex), message: hex(pdu.message_payload ? pdu.message_payload.message || pdu.message_payload : message),
      ports: [pdu.source_port, pdu.dest_port],
      sar: [pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum],
    }));
    if (pdu.registered_delivery & 1)
      session.deliver_sm({
        esm_class: 4, source_addr: pdu.destination_addr, destination_addr: pdu.source_addr,
        short_message: 'id:' + id + ' sub:001 dlvrd:001 submit date:2611260000 done date:2611260000 stat:DELIVRD err:000 text:',
      });
  });
  session.on('error', () => {});
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
