-- What one process was asked to take back while another sends it: the other looks for it.
ALTER TABLE delivery ADD COLUMN called_back INTEGER NOT NULL DEFAULT 0; -- while it is sent: 1 when its process is to take it back
CREATE INDEX delivery_called_back ON delivery (id) WHERE called_back = 1;
